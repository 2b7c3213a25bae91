//! What a replay finds out, and the lines that tell it.

use serde_json::{Value, json};

/// What became of a file or test case. Ordered: of the instances of one file the greatest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Every instance was judged as it should be.
    Pass,
    /// A valid instance was refused.
    WronglyRejected,
    /// The schema was refused.
    CompileError,
    /// An invalid instance was accepted.
    WronglyAccepted,
    /// No answer.
    Crash,
}

impl Verdict {
    /// All, in the order of tables.
    pub const ALL: [Verdict; 5] = [
        Verdict::Pass,
        Verdict::CompileError,
        Verdict::WronglyAccepted,
        Verdict::WronglyRejected,
        Verdict::Crash,
    ];

    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::CompileError => "compile_error",
            Verdict::WronglyAccepted => "wrongly_accepted",
            Verdict::WronglyRejected => "wrongly_rejected",
            Verdict::Crash => "crash",
        }
    }
}

/// A verdict and its reasons.
#[derive(Clone, Debug)]
pub struct Line {
    pub verdict: Verdict,
    /// A stable name of the reason.
    pub code: Option<String>,
    /// Where in the schema.
    pub pointer: Option<String>,
    pub message: Option<String>,
    pub compile_ns: Option<u64>,
    /// From the text of the schema to the first mask.
    pub first_mask_ns: Option<u64>,
}

impl Line {
    /// The line of a file that gave no answer.
    pub fn crash(code: &str, message: impl Into<String>) -> Self {
        Line {
            verdict: Verdict::Crash,
            code: Some(code.to_owned()),
            pointer: None,
            message: Some(message.into()),
            compile_ns: None,
            first_mask_ns: None,
        }
    }
}

/// The verdict on one instance, or on a schema without instances.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// Which instance of its schema, and what it is called.
    pub instance: Option<(usize, String)>,
    pub line: Line,
    /// Each token's mask, and that of the end.
    pub mask_ns: Vec<u64>,
    pub advance_ns: Vec<u64>,
    /// A mask and the step before it.
    pub between_ns: Vec<u64>,
}

impl Judgement {
    /// Of a schema as such.
    pub fn of_schema(line: Line) -> Self {
        Judgement {
            instance: None,
            line,
            mask_ns: Vec::new(),
            advance_ns: Vec::new(),
            between_ns: Vec::new(),
        }
    }

    /// Of an instance, not yet known.
    pub fn of_instance(index: usize, description: &str) -> Self {
        Judgement {
            instance: Some((index, description.to_owned())),
            ..Judgement::of_schema(Line::crash("no-answer", ""))
        }
    }
}

/// Times in nanoseconds.
#[derive(Clone, Debug, Default)]
pub struct Times {
    pub compile: Vec<u64>,
    pub first_mask: Vec<u64>,
    pub mask: Vec<u64>,
    pub advance: Vec<u64>,
    pub between: Vec<u64>,
}

impl Times {
    /// Adds those of another.
    pub fn append(&mut self, other: &mut Times) {
        self.compile.append(&mut other.compile);
        self.first_mask.append(&mut other.first_mask);
        self.mask.append(&mut other.mask);
        self.advance.append(&mut other.advance);
        self.between.append(&mut other.between);
    }
}

/// What is told of one file (maskbench) or test case (official suite).
#[derive(Clone, Debug)]
pub struct Row {
    /// The index of the file.
    pub file: usize,
    pub case: Option<String>,
    pub line: Line,
    /// Whether there was an instance to judge.
    pub has_tests: bool,
    /// For files of one schema.
    pub lists: Option<(Vec<u64>, Vec<u64>)>,
}

impl Row {
    /// A row about a file as a whole.
    pub fn of_file(file: usize, line: Line) -> Self {
        Row {
            file,
            case: None,
            line,
            has_tests: false,
            lists: None,
        }
    }

    /// The row of a file of one schema: the worst of its judgements.
    pub fn of_judgements(
        file: usize,
        judgements: Vec<Judgement>,
        times: &mut Times,
    ) -> Option<Self> {
        // Of equals the first.
        let worst = judgements
            .iter()
            .rev()
            .max_by_key(|j| j.line.verdict)?
            .clone();
        let (mut masks, mut advances) = (Vec::new(), Vec::new());
        let bad = judgements
            .iter()
            .filter(|j| j.line.verdict == worst.line.verdict)
            .count();
        let all = judgements.len();
        for judgement in judgements {
            masks.extend(judgement.mask_ns);
            advances.extend(judgement.advance_ns);
            times.between.extend(judgement.between_ns);
        }
        times.mask.extend_from_slice(&masks);
        times.advance.extend_from_slice(&advances);
        let failed =
            worst.line.verdict != Verdict::Pass && worst.line.verdict != Verdict::CompileError;
        let mut line = worst.line;
        if failed && bad > 1 {
            let others = format!(" ({bad} of {all} instances)");
            line.message.get_or_insert_default().push_str(&others);
        }
        Some(Row {
            file,
            case: worst
                .instance
                .as_ref()
                .filter(|_| failed)
                .map(|(i, description)| format!("{i}: {description}")),
            has_tests: worst.instance.is_some(),
            line,
            lists: Some((masks, advances)),
        })
    }

    /// The stable JSON form.
    pub fn to_json(&self, file: &str) -> Value {
        let Line {
            verdict,
            code,
            pointer,
            message,
            compile_ns,
            first_mask_ns,
        } = &self.line;
        let mut value = json!({
            "file": file,
            "case": self.case,
            "verdict": verdict.name(),
            "code": code,
            "pointer": pointer,
            "message": message,
            "compile_ns": compile_ns,
            "first_mask_ns": first_mask_ns,
        });
        if let Some((masks, advances)) = &self.lists {
            value["mask_ns"] = masks.as_slice().into();
            value["advance_ns"] = advances.as_slice().into();
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_instance_decides_and_all_are_counted() {
        let verdicts = [
            Verdict::Pass,
            Verdict::WronglyRejected,
            Verdict::WronglyAccepted,
            Verdict::WronglyAccepted,
        ];
        let judgements = verdicts.iter().enumerate().map(|(i, verdict)| {
            let mut j = Judgement::of_instance(i, "x");
            j.line.verdict = *verdict;
            j.line.message = Some(format!("m{i}"));
            j.mask_ns = vec![1, 2];
            j
        });
        let mut times = Times::default();
        let row = Row::of_judgements(0, judgements.collect(), &mut times).unwrap();
        assert_eq!(row.line.verdict, Verdict::WronglyAccepted);
        assert_eq!(row.case.as_deref(), Some("2: x"));
        assert_eq!(row.line.message.as_deref(), Some("m2 (2 of 4 instances)"));
        assert_eq!(times.mask.len(), 8);
        assert!(Row::of_judgements(0, Vec::new(), &mut times).is_none());
    }
}
