//! Prints what each kernel costs at 200,000 logits, next to a plain copy in the same run.
//!
//! `cargo run --release -p maskwright-kernels --example bandwidth`. The best of many runs is
//! shown, since other work on the machine only ever adds time.

use maskwright_kernels::Isa;
use std::hint::black_box;
use std::time::Instant;

const WIDTH: usize = 200_000;

fn best_microseconds(mut run: impl FnMut()) -> f64 {
    run();
    let once = |run: &mut dyn FnMut()| {
        let start = Instant::now();
        for _ in 0..10 {
            run();
        }
        start.elapsed().as_secs_f64() * 1e5
    };
    (0..200)
        .map(|_| once(&mut run))
        .fold(f64::INFINITY, f64::min)
}

fn main() {
    let mut x = 1u32;
    let mut next = || {
        x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        x >> 8
    };
    let row: Vec<f32> = (0..WIDTH)
        .map(|_| next() as f32 / (1 << 20) as f32 - 8.0)
        .collect();
    let dense: Vec<u32> = (0..WIDTH / 32).map(|_| !(1 << (next() % 32))).collect();
    let sparse: Vec<u32> = (0..WIDTH / 32)
        .map(|i| if i % 50 == 0 { 1 << (next() % 32) } else { 0 })
        .collect();
    let mixed: Vec<u32> = (0..WIDTH / 32).map(|_| next() ^ next() << 10).collect();
    let mut out = vec![0.0f32; WIDTH];
    let copy = best_microseconds(|| black_box(&mut out).copy_from_slice(black_box(&row)));
    println!(
        "{WIDTH} logits; copy {copy:.1} us, {:.1} GB/s written",
        WIDTH as f64 * 4e-3 / copy
    );
    let max = dense.iter().fold(0u32, |a, b| a | b);
    let mut words = vec![max; dense.len()];
    let copy_words = best_microseconds(|| black_box(&mut words).copy_from_slice(black_box(&mixed)));
    println!("{} words; copy {copy_words:.3} us", words.len());
    for isa in Isa::available() {
        println!("{isa}");
        for (name, mask) in [("dense", &dense), ("mixed", &mixed), ("sparse", &sparse)] {
            let time = best_microseconds(|| {
                isa.mask_copy(black_box(&mut out), black_box(&row), black_box(mask))
            });
            println!(
                "  mask_copy      {name:6} {time:8.1} us, {:5.0} % of the copy's bandwidth",
                100.0 * copy / time
            );
            let time =
                best_microseconds(|| isa.mask_in_place(black_box(&mut out), black_box(mask)));
            println!(
                "  mask_in_place  {name:6} {time:8.1} us, {:5.0} % of the copy's bandwidth",
                100.0 * copy / time
            );
        }
        for (name, mask) in [("dense", &dense), ("sparse", &sparse)] {
            let time =
                best_microseconds(|| _ = black_box(isa.max(black_box(&row), black_box(mask))));
            println!("  max            {name:6} {time:8.1} us");
            let time = best_microseconds(|| {
                _ = black_box(isa.find_at_least(black_box(&row), black_box(mask), 0, 9.0))
            });
            println!("  find_at_least  {name:6} {time:8.1} us");
            let time = best_microseconds(|| {
                _ = black_box(isa.log_sums(black_box(&row), black_box(mask), 1.0, 8.0))
            });
            println!("  log_sums       {name:6} {time:8.1} us");
            let time = best_microseconds(|| {
                black_box(isa.weights(
                    black_box(&mut out),
                    black_box(&row),
                    black_box(mask),
                    1.0,
                    8.0,
                ));
            });
            println!("  weights        {name:6} {time:8.1} us");
            let time = best_microseconds(|| {
                black_box(isa.softmax(
                    black_box(&mut out),
                    black_box(&row),
                    black_box(mask),
                    1.0,
                    8.0,
                ));
            });
            println!("  softmax        {name:6} {time:8.1} us");
        }
        let mut sums = vec![0.0; WIDTH.div_ceil(64)];
        let time = best_microseconds(|| isa.sums_of_64(black_box(&row), black_box(&mut sums)));
        println!("  sums_of_64            {time:8.1} us");
        let time = best_microseconds(|| isa.or_assign(black_box(&mut words), black_box(&mixed)));
        println!(
            "  or_assign             {time:8.3} us, {:5.0} % of the copy's bandwidth",
            100.0 * copy_words / time
        );
        let time =
            best_microseconds(|| isa.and_not_assign(black_box(&mut words), black_box(&mixed)));
        println!("  and_not_assign        {time:8.3} us");
        let time = best_microseconds(|| _ = black_box(isa.count(black_box(&mixed))));
        println!("  count                 {time:8.3} us");
    }
}
