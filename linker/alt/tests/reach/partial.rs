//! After a partial link, when distances in one section are known already.

use test_support::Linker;

use crate::link::{Link, check, finding, location, reference};

/// The arguments of `ld -r` in a kernel that puts all text of a part into one section.
const MERGE: &str = "SECTIONS { .hyp.text : { *(.text .text.*) } }\n";

/// KVM's, with LTO: `hyp_panic` came to be in a section of its own, far from the CBZ that goes to
/// it ("KVM: arm64: Don't use cbz/adr with external symbols", 2021).
#[test]
fn kvm_seed_is_found_and_the_right_file_is_named() {
    let test = "kvm_seed_is_found_and_the_right_file_is_named";
    let Some(link) = Link::new(test) else { return };
    let entry = "
        .section .text.__guest_exit, \"ax\"
        .globl __guest_exit
        .type __guest_exit, %function
        __guest_exit:
            nop
            cbz x0, hyp_panic
    ";
    // From the CBZ, at 4: 4 bytes of its own, and these, make the number of the report.
    let panic = "
        .section .text.hyp_panic, \"ax\"
        .space 2031216
        .globl hyp_panic
        .type hyp_panic, %function
        hyp_panic: ret
    ";
    let last = ".section .text.irqbypass, \"ax\"\n.globl irqbypass\nirqbypass: ret\n";
    let entry = link.object("entry", entry);
    let panic = link.object("panic", panic);
    let last = link.object("irqbypass", last);

    // Before: nothing is known of the distance, but the file is.
    let found = finding(&[&entry, &panic, &last]);
    let distance = reference(&found).distance;
    assert_eq!((found.rule, distance), ("other-section", None));
    assert_eq!(location(&found).0, "entry.o");

    let script = link.write("merge.ld", MERGE);
    let script = format!("-T{}", script.display());
    let merged = link
        .link(Linker::Lld, &[&entry, &panic, &last], &["-r", &script])
        .unwrap();
    let found = finding(&[&merged]);
    let distance = reference(&found).distance;
    assert_eq!((found.rule, distance), ("too-far", Some(2_031_220)));
    let expected = "
  at: linked: .hyp.text+0x4 (__guest_exit+0x4)
  hyp_panic is in: linked, section .hyp.text
";
    assert!(found.to_string().contains(expected), "{found}");
    assert_eq!(reference(&found).instruction, "cbz x0, hyp_panic");
    assert!(!found.to_string().contains("irqbypass"), "{found}");

    let merged_input = link.path("hyp.o");
    std::fs::rename(&merged, &merged_input).unwrap();
    for &linker in Linker::installed(test) {
        let words = link.link(linker, &[&merged_input], &["-e0"]).unwrap_err();
        match linker {
            Linker::Lld => {
                assert!(
                    words.contains("2031220 is not in [-1048576, 1048575]"),
                    "{words}"
                );
                // The trap: the last file symbol of the object is that of another file.
                assert!(words.contains("referenced by irqbypass"), "{words}");
            }
            Linker::Gnu => assert!(words.contains("truncated to fit"), "{words}"),
        }
    }
}

/// The last displacement of each form, both ways, and the first beyond.
#[test]
fn bounds_in_one_section_are_exact() {
    let test = "bounds_in_one_section_are_exact";
    let Some(link) = Link::new(test) else { return };
    // Instruction, and the last displacements that it can have.
    let forms = [
        ("tbz w0, #0, ", -32_768, 32_764, 4),
        ("b.ne ", -1_048_576, 1_048_572, 4),
        ("cbnz x9, ", -1_048_576, 1_048_572, 4),
        ("ldr x0, ", -1_048_576, 1_048_572, 4),
        ("adr x0, ", -1_048_576, 1_048_575, 1),
    ];
    // A global symbol keeps the relocation, which the assembler resolves otherwise.
    let forwards = |instruction: &str, distance: i64| {
        format!(
            ".text\n.globl _start, target\n_start: {instruction}target\n.space {}\n\
             target: .space 8\n",
            distance - 4
        )
    };
    let backwards = |instruction: &str, distance: i64| {
        format!(
            ".text\n.globl _start, target\n_start: target: .space {}\n{instruction}target\n",
            -distance
        )
    };
    for (instruction, min, max, step) in forms {
        for (distance, is_near) in [(min, true), (min - step.max(4), false)] {
            let object = link.object("a", &backwards(instruction, distance));
            judge(&link, &object, distance, is_near);
        }
        for (distance, is_near) in [(max, true), (max + step, false)] {
            let object = link.object("a", &forwards(instruction, distance));
            judge(&link, &object, distance, is_near);
        }
    }
}

#[track_caller]
fn judge(link: &Link, object: &std::path::Path, distance: i64, is_near: bool) {
    let report = check(&[object]);
    assert_eq!(
        report.references, 1,
        "the assembler has left it to the linker"
    );
    let linked = link.link(Linker::Lld, &[object], &[]);
    assert_eq!(linked.is_ok(), is_near, "{distance}: {linked:?}");
    match &report.findings[..] {
        [] => assert!(is_near, "{distance}"),
        [found] => {
            assert!(!is_near, "{found}");
            let found = (found.rule, reference(found).distance);
            assert_eq!(found, ("too-far", Some(distance)));
        }
        more => panic!("{more:#?}"),
    }
}
