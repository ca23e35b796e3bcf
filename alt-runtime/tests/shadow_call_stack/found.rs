//! What is found, against an assembler and a disassembler.

use alt_runtime::cap::{IdRegs, idregs::Register};
use alt_runtime::shadow_call_stack::{ShadowReport, UnwindReason, is_wanted};
use disarm64::{InsnDisplay, decoder};

use crate::fixture::Image;
use test_support::Cross;
use test_support::signing::{AUTIASP, PACIASP, SOURCE};

/// Functions of functions.s, and of these, those of the hypervisor.
const FUNCTIONS: u32 = 9;
const EXCLUDED: u32 = 2;

#[test]
fn text_becomes_what_the_assembler_makes_of_pushes_and_pops() {
    let test = "text_becomes_what_the_assembler_makes_of_pushes_and_pops";
    let Some(cross) = Cross::new(test) else {
        return;
    };
    let mut image = Image::new(&cross, test, SOURCE);
    let expected = Image::shadowed(&cross, test, SOURCE);
    assert_ne!(image.text.1, expected.text.1);
    let (writes, report) = image.plan().unwrap();
    image.write(&writes);
    assert!(image.text == expected.text);
    // outer 2, inner 3, never 1, long 4.
    assert_eq!(
        report,
        ShadowReport {
            functions: FUNCTIONS,
            excluded: EXCLUDED,
            sites: 10,
            already: 0,
            unmarked: 0,
            lines: 0,
        }
    );
    assert_eq!(
        report.to_string(),
        "10 sites rewritten, 0 were so already; 9 functions, 2 of them excluded"
    );

    // Once more: nothing changes.
    let (writes, report) = image.plan().unwrap();
    assert_eq!((writes, report.sites, report.already), (vec![], 0, 10));
}

#[test]
fn as_many_sites_as_a_disassembly_shows() {
    let test = "as_many_sites_as_a_disassembly_shows";
    let Some(cross) = Cross::new(test) else {
        return;
    };
    let image = Image::new(&cross, test, SOURCE);
    let (writes, _) = image.plan().unwrap();
    let mut shown = Vec::new();
    for (name, range) in &image.functions {
        for address in range.clone().step_by(4) {
            let index = address.checked_sub(image.text.0).unwrap() / 4;
            let Some(word) = image.text.1.get(index as usize) else {
                assert!(name.starts_with("hypervisor"), "{name}");
                continue;
            };
            let Some(insn) = decoder::decode(*word) else {
                continue;
            };
            let text = insn.display_at(address).to_string();
            if text.contains("paciasp") || text.contains("autiasp") {
                shown.push((address, *word));
            }
        }
    }
    shown.sort();
    assert_eq!(shown.len(), 10);
    let found: Vec<_> = writes
        .iter()
        .map(|(at, before, _)| (*at, *before))
        .collect();
    assert_eq!(found, shown, "in address order");
    assert!(
        shown
            .iter()
            .all(|(_, word)| [PACIASP, AUTIASP].contains(word))
    );
}

#[test]
fn order_of_entries_does_not_matter() {
    let test = "order_of_entries_does_not_matter";
    let Some(cross) = Cross::new(test) else {
        return;
    };
    // The tables are in the order of the source, the text in that of subsections.
    let source = "\
        .text 1\n.globl outer\nouter:\n.cfi_startproc\nsign\n.cfi_negate_ra_state\n\
        bl earlier\nauthenticate\n.cfi_negate_ra_state\nret\n.cfi_endproc\n\
        .text 0\nearlier:\n.cfi_startproc\nsign\n.cfi_negate_ra_state\n\
        authenticate\n.cfi_negate_ra_state\nret\n.cfi_endproc\n";
    let image = Image::new(&cross, test, source);
    let (writes, _) = image.plan().unwrap();
    let start = image.text.0;
    let places: Vec<_> = writes.iter().map(|write| write.0 - start).collect();
    assert_eq!(places, [0, 4, 12, 20]);
}

/// LLVM 20 writes the mark before the instruction. At the start of a cold part, a mark without an
/// instruction says that the main part has signed.
#[test]
fn marks_before_their_instructions() {
    let test = "marks_before_their_instructions";
    let Some(cross) = Cross::new(test) else {
        return;
    };
    let source = "\
        .globl outer\nouter:\n.cfi_startproc\n.cfi_negate_ra_state\nsign\nnop\n\
        .cfi_negate_ra_state\nauthenticate\nret\n.cfi_endproc\n\
        .globl cold\ncold:\n.cfi_startproc\n.cfi_negate_ra_state\nnop\n\
        .cfi_negate_ra_state\nauthenticate\nret\n.cfi_endproc\n";
    let mut image = Image::new(&cross, test, source);
    let expected = Image::shadowed(&cross, test, source);
    let (writes, report) = image.plan().unwrap();
    assert_eq!((report.sites, report.unmarked), (3, 0));
    image.write(&writes);
    assert!(image.text == expected.text);
}

/// `clang -mcmodel=large`: addresses and lengths have 8 bytes. The assembler has no directive for it.
#[test]
fn tables_of_the_large_code_model() {
    let test = "tables_of_the_large_code_model";
    let Some(cross) = Cross::new(test) else {
        return;
    };
    let text = ".globl outer\nouter: sign\nnop\nauthenticate\nret\nouter_end:\n";
    let tables = |data: u8| {
        format!(
            "{text}.section .eh_frame, \"a\"\n\
             1: .4byte 3f - 2f\n2: .4byte 0\n.byte 1\n.asciz \"zR\"\n.byte 4, 0x78, 30, 1, 0x1c\n\
             .byte 0x0c, 31, 0\n.balign 4\n3:\n\
             .4byte 5f - 4f\n4: .4byte 4b - 1b\n.8byte outer - .\n.8byte outer_end - outer\n\
             .byte {data}\n.byte 0x41, 0x2d, 0x42, 0x2d\n.balign 4\n5:\n"
        )
    };
    let mut image = Image::new(&cross, test, &tables(0));
    let expected = Image::shadowed(&cross, test, text);
    let (writes, report) = image.plan().unwrap();
    assert_eq!(report.sites, 2);
    image.write(&writes);
    assert!(image.text.1 == expected.text.1);
    let error = Image::new(&cross, test, &tables(1)).plan().unwrap_err();
    assert_eq!(error.reason, UnwindReason::AugmentationData);
    assert_eq!(error.function, Some(image.text.0));
}

#[test]
fn excluded_is_what_is_inside() {
    let test = "excluded_is_what_is_inside";
    let Some(cross) = Cross::new(test) else {
        return;
    };
    let image = Image::new(&cross, test, SOURCE);
    let (region, hypervisor) = (image.region(), image.hypervisor());
    let outer = image.function("outer");
    // Excluding a part of an excluded range has no further effect.
    let half = outer.start..outer.start + 8;
    let excluded = [half, hypervisor.clone(), outer.clone()];
    let (writes, report) = image.plan_for(&region, &excluded, 64).unwrap();
    assert!(writes.iter().all(|(address, ..)| !outer.contains(address)));
    assert_eq!((report.sites, report.excluded), (8, EXCLUDED + 1));
    // Ranges that touch nothing, empty ones among them.
    let beside = outer.start - 8..outer.start;
    let empty = outer.start + 4..outer.start + 4;
    let excluded = [beside, empty, hypervisor];
    let (_, report) = image.plan_for(&region, &excluded, 64).unwrap();
    assert_eq!((report.sites, report.excluded), (10, EXCLUDED));
}

#[test]
fn return_addresses_are_unprotected_without_pointer_authentication() {
    let ids =
        |register: Register, value: u64| -> IdRegs { [(register, value)].into_iter().collect() };
    assert!(is_wanted(&ids(Register::ID_AA64ISAR1_EL1, 0)));
    // Other fields of these registers (DPB, WFxT, SSBS).
    assert!(is_wanted(&ids(Register::ID_AA64ISAR1_EL1, 0xf)));
    assert!(is_wanted(&ids(Register::ID_AA64ISAR2_EL1, 0xf)));
    assert!(is_wanted(&ids(Register::ID_AA64PFR1_EL1, 0xf0)));
    // Arm ARM D24.2: APA [7:4], API [11:8], APA3 [15:12], BT [3:0].
    for (register, value) in [
        (Register::ID_AA64ISAR1_EL1, 1 << 4),
        (Register::ID_AA64ISAR1_EL1, 5 << 8),
        (Register::ID_AA64ISAR2_EL1, 5 << 12),
        (Register::ID_AA64PFR1_EL1, 1),
    ] {
        assert!(!is_wanted(&ids(register, value)), "{register:?} {value:#x}");
    }
}
