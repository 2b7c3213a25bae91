//! One engine, one case: compiles it, replays its instances token by token under a clock.

use crate::clock::Clock;
use crate::engine::Engine;
use crate::stats::{Times, Totals, Verdict};
use crate::traces::{Case, Instance};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How a case is replayed.
#[derive(Clone, Copy)]
pub struct Settings {
    /// The token that ends an output.
    pub end: u32,
    /// How often; times are of the last pass.
    pub passes: usize,
    /// Whether the clock is processor time.
    pub cpu: bool,
}

/// Replays a case. Its times go to `totals`, under its index.
///
/// The instructions that this function counts under valgrind are those of `benches/instructions`:
/// it must not be inlined.
#[inline(never)]
pub fn replay(
    engine: &mut dyn Engine,
    totals: &mut Totals,
    (index, case): (usize, &Case),
    tokens: &[Vec<u32>],
    settings: Settings,
) -> Verdict {
    let Settings { end, passes, cpu } = settings;
    let start = Clock::start(cpu);
    let mut grammar = match engine.compile(&case.source) {
        Ok(grammar) => grammar,
        Err(e) => return Verdict::Refused(e.chars().take(300).collect()),
    };
    let compile = start.nanos();
    let mut times = Times::default();
    let [compiles, firsts, masks, advances, betweens] = &mut times.0;
    compiles.push(compile);
    let mut first = None;
    let mut verdict = Verdict::Pass;
    let text = |i: &Instance| i.text.chars().take(200).collect::<String>();
    for pass in 0..passes {
        let timed = pass + 1 == passes;
        for (instance, tokens) in case.instances.iter().zip(tokens) {
            let mut refused = None;
            let session = Clock::start(cpu);
            let mut run = match grammar.session() {
                Ok(run) => run,
                Err(e) => {
                    verdict = Verdict::WronglyRejected(e);
                    continue;
                }
            };
            let session = session.nanos();
            let mut advance = 0;
            for (i, &token) in tokens.iter().chain([&end]).enumerate() {
                let start = Clock::start(cpu);
                let ok = run.mask();
                let mask = start.nanos();
                first.get_or_insert(compile + session + mask);
                if timed {
                    masks.push(mask);
                    if i > 0 {
                        betweens.push(mask + advance);
                    }
                    if mask > 20_000 {
                        totals.slowest.push((mask, index, i));
                    }
                }
                let last = i == tokens.len();
                let allowed = match last {
                    true => run.may_end(end),
                    false => run.allowed(token),
                };
                if ok.is_err() || !allowed {
                    refused = Some((i, ok.err()));
                    break;
                }
                if last {
                    break;
                }
                let start = Clock::start(cpu);
                if let Err(e) = run.advance(token) {
                    refused = Some((i, Some(e)));
                    break;
                }
                advance = start.nanos();
                if timed {
                    advances.push(advance);
                }
            }
            match (&refused, instance.valid) {
                (Some((i, why)), true) => {
                    let why = why.as_ref().map_or_else(String::new, |w| format!(" ({w})"));
                    verdict =
                        Verdict::WronglyRejected(format!("token {i}: {}{why}", text(instance)));
                }
                (None, false) => verdict = Verdict::WronglyAccepted(text(instance)),
                _ => {}
            }
        }
    }
    if first.is_none() {
        let start = Clock::start(cpu);
        if let Ok(mut run) = grammar.session() {
            let _ = run.mask();
        }
        first = Some(compile + start.nanos());
    }
    firsts.extend(first);
    totals.times.insert(index, times);
    verdict
}

/// Replays a case in a process of its own, this program once more, which is killed after `limit`: for
/// engines that take minutes or crash. Everything there is done for the first time.
pub fn replay_apart(engine: &str, totals: &mut Totals, index: usize, limit: Duration) -> Verdict {
    let failed = |e: std::io::Error| Verdict::Refused(format!("no process: {e}"));
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(e) => return failed(e),
    };
    let file = std::env::temp_dir().join(format!("maskwright-benches-{}", std::process::id()));
    // The same arguments; the last ones count.
    let child = Command::new(program)
        .args(std::env::args_os().skip(1))
        .args(["--child-engine", engine, "--child-case", &index.to_string()])
        .arg("--child-out")
        .arg(&file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(e) => return failed(e),
    };
    let start = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if start.elapsed() < limit => std::thread::sleep(Duration::from_millis(5)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return Verdict::Refused(format!("not done after {limit:?}"));
            }
        }
    };
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    let _ = std::fs::remove_file(&file);
    match read(&text) {
        Some((verdict, times)) => {
            if let Some(times) = times {
                totals.slow_masks(index, &times);
                totals.times.insert(index, times);
            }
            verdict
        }
        None => Verdict::Refused(format!("crashed: {status}")),
    }
}

/// What a process tells of its case: the verdict, then one line of numbers for each series.
pub fn write(verdict: &Verdict, times: Option<&Times>) -> String {
    let (kind, why) = match verdict {
        Verdict::Pass => ("pass", ""),
        Verdict::Refused(why) => ("refused", &**why),
        Verdict::WronglyAccepted(why) => ("accepted", &**why),
        Verdict::WronglyRejected(why) => ("rejected", &**why),
    };
    let mut out = format!("{kind} {}\n", why.replace('\n', " "));
    for series in times.iter().flat_map(|t| &t.0) {
        let numbers: Vec<String> = series.iter().map(u64::to_string).collect();
        out += &numbers.join(" ");
        out.push('\n');
    }
    out
}

/// Reads what [`write`] wrote; `None` if a process ended before it was done.
fn read(text: &str) -> Option<(Verdict, Option<Times>)> {
    let (head, rest) = text.split_once('\n')?;
    let (kind, why) = head.split_once(' ')?;
    let why = why.to_owned();
    let verdict = match kind {
        "pass" => Verdict::Pass,
        "refused" => Verdict::Refused(why),
        "accepted" => Verdict::WronglyAccepted(why),
        "rejected" => Verdict::WronglyRejected(why),
        _ => return None,
    };
    if rest.is_empty() {
        return Some((verdict, None));
    }
    let mut times = Times::default();
    let mut lines = rest.lines();
    for series in &mut times.0 {
        let numbers = lines.next()?.split_whitespace().map(str::parse);
        *series = numbers.collect::<Result<_, _>>().ok()?;
    }
    Some((verdict, Some(times)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_tells_is_read_back() {
        let times = Times([vec![1], vec![2], vec![3, 4, 5], vec![], vec![7]]);
        for verdict in [Verdict::Pass, Verdict::WronglyRejected("token 3: x".into())] {
            let text = write(&verdict, Some(&times));
            let (kept, read_times) = read(&text).unwrap();
            assert_eq!(kept, verdict);
            assert_eq!(read_times.unwrap().0, times.0);
        }
        let refused = Verdict::Refused("no".into());
        assert_eq!(read(&write(&refused, None)).unwrap().0, refused);
        // Cut off in the middle: no answer.
        assert!(read("pass \n1\n2\n3").is_none());
    }
}
