//! The checks of the pass over finished tables, each left out.

use super::source::Mutant;

const READER: &str = "finished/table.rs";
const PLAN: &str = "patch/finished/mod.rs";
const PASS: &str = "patch/finished/pass.rs";
const SITES: &str = "patch/finished/sites.rs";
const VERDICT: &str = "patch/finished/verdict.rs";
const SECOND_LOOK: &str = "patch/finished/refuse.rs";

pub(super) const MUTANTS: [Mutant; 21] = [
    mutant(
        "header-digest",
        "no digest of header, directory and terms",
        READER,
        "if Digest::EMPTY.with_all(before).with_all(directory) != header.digest {",
        "if false {",
    ),
    mutant(
        "version",
        "any version of the layout",
        READER,
        "if version != VERSION {",
        "if false {",
    ),
    mutant(
        "table-length",
        "a table longer than its section is cut",
        READER,
        "words.get(..len).ok_or(truncated(len))?",
        "&words[..len.min(words.len())]",
    ),
    mutant(
        "layout",
        "parts that do not make up the table",
        READER,
        "match table.is_whole() {",
        "match true {",
    ),
    mutant(
        "bucket-digest",
        "no digest of a bucket's table",
        PASS,
        "bucket.check().map_err(refuse)?;",
        "",
    ),
    mutant(
        "dictionary-digest",
        "no digest of the dictionary",
        READER,
        "match Digest::EMPTY.with_all(words) == self.header.dictionary_digest {",
        "match true {",
    ),
    mutant(
        "text-digest",
        "no digest of the instructions at the sites",
        PASS,
        "if digest != bucket.entry().text {",
        "if false {",
    ),
    mutant(
        "text-digest-slow",
        "no instruction in the digest where the room is too small",
        PASS,
        "digest = old.iter().fold(digest, |digest, old| digest.with(old.0));",
        "",
    ),
    mutant(
        "text-digest-quick",
        "no instruction of a site of one in the digest",
        SITES,
        "self.digest = self.digest.with(old.0);\n        entry.write",
        "entry.write",
    ),
    mutant(
        "text-digest-arms",
        "no instruction of a site of several in the digest",
        SITES,
        "self.digest = self.digest.with(old.0);\n                // Where",
        "// Where",
    ),
    mutant(
        "number-of-sites",
        "any number of sites in a bucket",
        PASS,
        "if found != stated {",
        "if false {",
    ),
    mutant(
        "outside-text",
        "a site outside of the text counts as NOP",
        SITES,
        "text.word(usize::try_from(self.index).ok()?)?",
        "text.word(usize::try_from(self.index).ok()?).unwrap_or(Insn::NOP)",
    ),
    mutant(
        "second-pass",
        "a second pass is refused as damage",
        SECOND_LOOK,
        "TableError::Patched",
        "TableError::Text",
    ),
    mutant(
        "done-again",
        "a later pass plans what is done",
        PLAN,
        "if !is_done(&bucket, earlier) {",
        "if true {",
    ),
    mutant(
        "waiting-unchecked",
        "the first pass does not check what waits",
        PLAN,
        "if is_first_pass {",
        "if false {",
    ),
    mutant(
        "waiting-planned",
        "words of what waits are planned",
        PASS,
        "self.planned = planned;",
        "let _ = planned;",
    ),
    mutant(
        "not-decided",
        "a bucket does not wait for its cpucaps",
        VERDICT,
        "Ok(Verdict { is_decided, holds })",
        "Ok(Verdict { is_decided: true, holds })",
    ),
    mutant(
        "negation",
        "a cpucap that must be absent must be present",
        VERDICT,
        "is_present != term.is_negated()",
        "is_present",
    ),
    mutant(
        "either",
        "a cpucap that only has to be decided must be present",
        VERDICT,
        "term.is_either() || ",
        "",
    ),
    mutant(
        "unknown-cpucap",
        "a cpucap that the table of cpucaps lacks",
        VERDICT,
        "if usize::from(cap) >= decision.table.len() {",
        "if false {",
    ),
    mutant(
        "room",
        "too little room is not an error",
        PLAN,
        "if !is_first_pass && without_room != 0 {",
        "if false {",
    ),
];

const fn mutant(
    name: &'static str,
    what: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
) -> Mutant {
    Mutant {
        name,
        what,
        file,
        from,
        to,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The list follows the source; `cargo xtask mutants` judges it.
    #[test]
    fn each_mutant_can_be_made() {
        for mutant in &MUTANTS {
            let text = std::fs::read_to_string(mutant.path()).unwrap();
            assert_ne!(mutant.apply(&text).unwrap(), text, "{}", mutant.name);
        }
    }
}
