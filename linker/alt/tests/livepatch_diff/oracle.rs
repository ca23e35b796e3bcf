//! An independent view of what changed: the disassembly of both images, normalised as text.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use test_support::skip;

use super::support::{Built, Outcome};

/// The disassemblers that are tried, in this order.
const PROGRAMS: [&str; 3] = [
    "aarch64-linux-gnu-objdump",
    "llvm-objdump",
    "llvm-objdump-14",
];

/// Checks that the functions whose instructions differ are those that `alt` names for a reason of
/// code. Reports a skipped check where there is no disassembler.
#[track_caller]
pub fn check(test: &str, old: &Built, new: &Built, outcome: &Outcome) {
    let Some(program) = program() else {
        return skip::because(&format!("{test}: needs one of {PROGRAMS:?}"));
    };
    let (before, after) = (
        functions(program, &old.image()),
        functions(program, &new.image()),
    );
    let differ: BTreeSet<&str> = before
        .iter()
        .filter(|(name, text)| after.get(*name).is_some_and(|other| other != *text))
        .map(|(name, _)| &**name)
        .collect();
    let changes = outcome.report["changes"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let is_code =
        |reason: &str| !reason.starts_with("constant") && !reason.starts_with("replacement");
    let reported: Vec<(String, bool)> = changes
        .iter()
        .filter(|change| change["what"] == "changed" && change["kind"] == "function")
        .map(|change| {
            let reasons = change["reasons"].as_array().unwrap();
            let code = reasons
                .iter()
                .any(|reason| is_code(reason.as_str().unwrap()));
            (change["symbol"].as_str().unwrap().to_owned(), code)
        })
        .collect();
    // A function whose mangled name changed is in one image only.
    let by_code = reported
        .iter()
        .filter(|(name, code)| *code && after.contains_key(name));
    let by_code: BTreeSet<&str> = by_code.map(|(name, _)| &**name).collect();
    assert_eq!(
        differ, by_code,
        "{test}: the disassembly differs, and what `alt` says"
    );
}

fn program() -> Option<&'static str> {
    let runs = |program: &&&str| {
        let output = Command::new(program).arg("--version").output();
        output.is_ok_and(|output| output.status.success())
    };
    PROGRAMS.iter().find(runs).copied()
}

/// The normalised instructions of each function, by symbol.
fn functions(program: &str, image: &Path) -> BTreeMap<String, Vec<String>> {
    let output = Command::new(program)
        .args(["-d", "--no-show-raw-insn"])
        .arg(image)
        .output()
        .unwrap();
    assert!(output.status.success());
    let mut functions = BTreeMap::new();
    let (mut name, mut start) = (String::new(), 0);
    let mut pages: BTreeSet<String> = BTreeSet::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        if let Some((address, symbol)) = line.split_once(" <")
            && let Some(symbol) = symbol.strip_suffix(">:")
            && let Ok(address) = u64::from_str_radix(address.trim(), 16)
        {
            (name, start) = (symbol.to_owned(), address);
            pages.clear();
            continue;
        }
        let Some((_, instruction)) = line.split_once(":") else {
            continue;
        };
        // GNU objdump adds other names of a condition: "// b.hs, b.nlast".
        let (instruction, _) = instruction.split_once("//").unwrap_or((instruction, ""));
        let words: Vec<&str> = instruction.split_whitespace().collect();
        let text = normalised(&words.join(" "), start, &mut pages);
        if !text.is_empty() && !name.is_empty() {
            functions
                .entry(name.clone())
                .or_insert_with(Vec::new)
                .push(text);
        }
    }
    functions
}

/// An instruction without addresses of the image: a branch names its symbol, or the offset in the
/// function; of ADRP and of what completes it, the registers are left.
fn normalised(text: &str, start: u64, pages: &mut BTreeSet<String>) -> String {
    // What remains of linker relaxation is in the objects, too, except for ADRP: "nop", "adr x0".
    let (operation, operands) = text.split_once(' ').unwrap_or((text, ""));
    let mut operands: Vec<&str> = operands.split(", ").collect();
    let register = |operand: &str| operand.trim_matches(['[', ']', '!']).to_owned();
    let target = operands.last().copied().unwrap_or_default();
    match operation {
        // The whole address, after the linker's relaxation of ADRP and ADD.
        "adr" => operands.truncate(1),
        "adrp" => {
            pages.insert(register(operands[0]));
            operands.truncate(1);
        }
        _ if operation == "bl"
            || operation.starts_with('b')
            || operation.starts_with("cb")
            || operation.starts_with("tb") =>
        {
            let symbol = target
                .split_once('<')
                .map(|(_, symbol)| symbol.trim_end_matches('>'));
            let number = target
                .split(' ')
                .next()
                .unwrap_or_default()
                .trim_start_matches("0x");
            let inside = symbol.is_some_and(|symbol| symbol.contains('+'));
            let place = match (u64::from_str_radix(number, 16), symbol) {
                (Ok(address), Some(_)) if inside => format!("+{:#x}", address.wrapping_sub(start)),
                (_, Some(symbol)) => symbol.to_owned(),
                _ => target.to_owned(),
            };
            operands.pop();
            return format!("{operation} {} {place}", operands.join(", "));
        }
        _ => {
            let based = operands
                .iter()
                .skip(1)
                .any(|operand| pages.contains(&register(operand)));
            let written = register(operands[0]);
            let is_access = operation.starts_with("ld") || operation.starts_with("st");
            if based && (operation == "add" || is_access) {
                operands.retain(|operand| !operand.trim_start_matches('[').starts_with('#'));
            }
            if !(operation.starts_with("st") || based && operation == "add") {
                pages.remove(&written);
            }
        }
    }
    format!("{operation} {}", operands.join(", "))
}
