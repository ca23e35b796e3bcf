//! Every instruction of short reach, to a symbol of another section.

use std::collections::{BTreeMap, BTreeSet};

use test_support::Linker;

use crate::link::{Link, check, location, reference};

/// Instruction, relocation, reach in KiB, and words of the advice.
const FORMS: [(&str, &str, u32, &str); 19] = [
    ("cbz x0, target", "CONDBR19", 1024, "a `b target`"),
    ("cbz w30, target", "CONDBR19", 1024, "a `b target`"),
    ("cbnz x1, target", "CONDBR19", 1024, "a `b target`"),
    ("cbnz w1, target", "CONDBR19", 1024, "a `b target`"),
    ("b.eq target", "CONDBR19", 1024, "a `b target`"),
    ("b.le target", "CONDBR19", 1024, "a `b target`"),
    ("tbz w3, #4, target", "TSTBR14", 32, "a `b target`"),
    ("tbz x3, #44, target", "TSTBR14", 32, "a `b target`"),
    ("tbnz w3, #0, target", "TSTBR14", 32, "a `b target`"),
    ("tbnz x3, #63, target", "TSTBR14", 32, "a `b target`"),
    ("adr x1, target", "ADR_PREL_LO21", 1024, "`:lo12:target`"),
    (
        "adr x1, target+0x8",
        "ADR_PREL_LO21",
        1024,
        "`:lo12:target+0x8`",
    ),
    ("ldr x2, target", "LD_PREL_LO19", 1024, "`:lo12:target`"),
    ("ldr w2, target", "LD_PREL_LO19", 1024, "`:lo12:target`"),
    ("ldrsw x2, target", "LD_PREL_LO19", 1024, "`:lo12:target`"),
    ("ldr s2, target", "LD_PREL_LO19", 1024, "`:lo12:target`"),
    ("ldr d2, target", "LD_PREL_LO19", 1024, "`:lo12:target`"),
    ("ldr q2, target", "LD_PREL_LO19", 1024, "`:lo12:target`"),
    (
        "prfm pldl1keep, target",
        "LD_PREL_LO19",
        1024,
        "`:lo12:target`",
    ),
];

/// A function of each, with a NOP before the instruction.
fn entry() -> String {
    let function = |(index, (text, ..)): (usize, &(&str, &str, u32, &str))| {
        format!(
            ".section .text.f{index}, \"ax\"\n.arch_extension fp\n.globl f{index}\n\
             .type f{index}, %function\nf{index}: nop\n{text}\n"
        )
    };
    FORMS.iter().enumerate().map(function).collect()
}

const TARGET: &str = ".section .text.target, \"ax\"\n.balign 16\n.globl target\n\
                      .type target, %function\ntarget: ret\n";

/// The lint does not know the distance and finds each of them; the linker refuses those that do not
/// reach.
#[test]
fn each_form_is_found_and_fails_when_it_is_far() {
    let test = "each_form_is_found_and_fails_when_it_is_far";
    let Some(link) = Link::new(test) else { return };
    let entry = link.object("entry", &entry());
    let target = link.object("target", TARGET);
    for padding in [0, 40 << 10, 1536 << 10] {
        let text = format!(".section .text.padding, \"ax\"\n.space {padding}\n");
        let padding_object = link.object("padding", &text);
        let objects = [&*entry, &*padding_object, &*target];

        let report = check(&objects);
        assert_eq!((report.objects, report.references), (3, FORMS.len()));
        assert_eq!(report.findings.len(), FORMS.len());
        for (index, finding) in report.findings.iter().enumerate() {
            let (text, _, reach, advice) = FORMS[index];
            assert_eq!(finding.rule, "other-section");
            let reference = reference(finding);
            assert_eq!(reference.instruction, text);
            assert_eq!(reference.symbol, "target");
            let (section, function) = (format!(".text.f{index}"), format!("f{index}+0x4"));
            let expected = ("entry.o", section.as_str(), 4, Some(function.as_str()));
            assert_eq!(location(finding), expected);
            assert_eq!(reference.distance, None);
            let defined = "target.o, section .text.target";
            assert_eq!(reference.defined.as_deref(), Some(defined));
            assert!(finding.help.contains(advice), "{}", finding.help);
            assert!(finding.help.contains(".text.together.NAME"));
            let reach = match reach {
                32 => "±32 KiB",
                _ => "±1 MiB",
            };
            assert!(finding.message.contains(reach), "{finding}");
        }

        let too_far: Vec<_> = (0..FORMS.len())
            .filter(|index| FORMS[*index].2 << 10 < padding)
            .collect();
        for &linker in Linker::installed(test) {
            let at = format!("{linker:?}, {padding}");
            let words = link.link(linker, &objects, &["--no-gc-sections", "-e0"]);
            assert_eq!(words.is_ok(), too_far.is_empty(), "{at}: {words:?}");
            let words = words.err().unwrap_or_default();
            let refused: BTreeSet<_> = words
                .lines()
                .filter(|line| is_of_reach(linker, line))
                .map(place)
                .collect();
            let expected: BTreeMap<_, _> = too_far
                .iter()
                .map(|index| (format!(".text.f{index}+0x4"), FORMS[*index].1))
                .collect();
            assert_eq!(refused, expected.keys().cloned().collect(), "{at}: {words}");
            for (place, relocation) in expected {
                let relocation = format!("R_AARCH64_{relocation}");
                let line = words.lines().find(|line| line.contains(&place)).unwrap();
                assert!(line.contains(&relocation), "{at}: {line}");
            }
        }
    }
}

fn is_of_reach(linker: Linker, line: &str) -> bool {
    line.contains(match linker {
        Linker::Lld => "out of range",
        Linker::Gnu => "relocation truncated to fit",
    })
}

/// `.text.f1+0x4` of `entry.o:(.text.f1+0x4): …`
fn place(line: &str) -> String {
    let (_, rest) = line.split_once('(').unwrap();
    rest.split_once(')').unwrap().0.into()
}

/// Branches that a linker extends and addresses of unlimited range are no findings.
#[test]
fn long_forms_are_no_findings() {
    let Some(link) = Link::new("long_forms_are_none") else {
        return;
    };
    let text = "
        .section .text.f, \"ax\"
        f:  b target
            bl target
            adrp x0, target
            add x0, x0, :lo12:target
            ldr x0, [x0, :lo12:target]
            cbz x0, 1f
            ldr x1, =0x123456789abcdef
            tbz x0, #3, 1f
        1:  ret
    ";
    let report = check(&[&link.object("entry", text)]);
    assert_eq!(report.references, 0);
    assert!(report.findings.is_empty(), "{:#?}", report.findings);
}
