//! `alt_at_site_long` and `alt_at_site_quad`: addresses that an instruction of an arm has at the
//! site, as an exception table needs them.

use std::fs;
use std::path::Path;

use object::elf::{R_AARCH64_ABS64, R_AARCH64_PREL32};

use super::{assemble, compile, fixture, folder, gnu_is_there};
use crate::relocatable::Relocatable;
use test_support::Cross;

/// A site after one instruction, in assembly; `place` is `near` or nothing.
fn text(place: &str) -> String {
    format!(
        ".section .text.faults, \"ax\"\n.globl faults\n.type faults, %function\nfaults:\nnop\n\
         alternative_begin {place}\nnop\nnop\nnop\nalternative_arm 3\nyield\n\
         1: ldr x0, [x0]\n2:\n\
         .pushsection ex_table, \"a\"\n.balign 8\n\
         alt_at_site_long 1b\nalt_at_site_long 2b\nalt_at_site_quad 1b\n\
         .popsection\nalternative_end\nret\n.size faults, . - faults\n"
    )
}

/// The table leads to the second instruction of the site and the one after it.
#[track_caller]
fn judge(object: &Path, who: &str) {
    let file = fs::read(object).unwrap();
    let object = Relocatable::parse(&file);
    let [record] = &object.records()[..] else {
        panic!("{who}")
    };
    let load = record.offset + 4;
    let expected = [
        (0, R_AARCH64_PREL32, load),
        (4, R_AARCH64_PREL32, load + 4),
        (8, R_AARCH64_ABS64, load),
    ];
    let expected =
        expected.map(|(offset, kind, target)| (offset, kind, ".text.faults".to_owned(), target));
    assert_eq!(object.references("ex_table"), expected, "{who}");
}

#[test]
fn entries_of_an_exception_table_name_the_site() {
    let test = "entries_of_an_exception_table_name_the_site";
    let dir = folder(test);
    let has_gnu = gnu_is_there(test);
    let cross = Cross::new(test);
    for place in ["", "near"] {
        if has_gnu {
            let output = assemble(
                &dir,
                &format!(".include \"alternative.s\"\n{}", text(place)),
            );
            assert!(output.status.success(), "{output:?}");
            judge(&dir.join("gnu.o"), "GNU as");
        }
        if let Some(cross) = &cross {
            let object = dir.join("llvm.o");
            let output = compile(cross, "obj", &fixture("text.rs"), &object, &text(place));
            assert!(output.status.success(), "{output:?}");
            judge(&object, "global_asm!");
        }
    }
    if let Some(cross) = &cross {
        for emit in ["obj", "asm"] {
            let object = dir.join("rust.o");
            let output = compile(cross, emit, &fixture("faults.rs"), &object, "");
            assert!(output.status.success(), "{output:?}");
            if emit == "asm" {
                if !has_gnu {
                    continue;
                }
                let output = assemble(&dir, &fs::read_to_string(&object).unwrap());
                assert!(output.status.success(), "{output:?}");
                judge(&dir.join("gnu.o"), "alternative!, then GNU as");
            } else {
                judge(&object, "alternative!");
            }
        }
    }
}
