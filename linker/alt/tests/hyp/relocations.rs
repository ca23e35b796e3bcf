//! Relocations that cannot be correct at the hypervisor's address.

use crate::support::{Bench, PLAIN, expect};

const INIT: &str = ".section .text.init, \"ax\"\n.globl init\n.type init, %function\ninit:\n";

#[test]
fn kinds_that_cannot_be_fixed_are_refused() {
    let Some(bench) = Bench::new("kinds_that_cannot_be_fixed_are_refused") else {
        return;
    };
    for (text, expected) in [
        (
            "movz x0, #:abs_g0:init\nret",
            "R_AARCH64_MOVW_UABS_G0 at init+0x4",
        ),
        (
            "movk x0, #:abs_g1_nc:init\nret",
            "R_AARCH64_MOVW_UABS_G1_NC at init+0x4",
        ),
        (
            "movz x0, #:abs_g0_s:init\nret",
            "R_AARCH64_MOVW_SABS_G0 at init+0x4",
        ),
        (
            "adrp x0, :got:init\nret",
            "R_AARCH64_ADR_GOT_PAGE at init+0x4",
        ),
        (
            "ldr x0, [x0, :got_lo12:init]\nret",
            "R_AARCH64_LD64_GOT_LO12_NC at init+0x4",
        ),
        (
            "adrp x0, :gottprel:own\nret\n.section .tdata, \"awT\"\n.globl own\nown: .xword 1\n\
             .section .data.more, \"aw\"\n.xword 1",
            "R_AARCH64_TLSIE_ADR_GOTTPREL_PAGE21 at init+0x4",
        ),
        ("b 1f\n1: .word init\n", "R_AARCH64_ABS32 at init+0x8"),
        ("b 1f\n1: .xword init\n", "R_AARCH64_ABS64 at init+0x8"),
    ] {
        let message = bench.refused_text(PLAIN, &format!("{INIT}nop\n{text}"));
        expect(
            &message,
            &[expected, " of fixture.o: ", "relocation-model=static"],
        );
    }
}

/// R_AARCH64_NONE keeps a section, and says nothing of an address.
#[test]
fn relocations_that_do_nothing_are_no_matter() {
    let Some(bench) = Bench::new("relocations_that_do_nothing_are_no_matter") else {
        return;
    };
    let object = bench.assemble(
        &format!("{INIT}.reloc ., R_AARCH64_NONE, init\nret"),
        "none.o",
    );
    bench.link(PLAIN, &[&object]).unwrap();
}

/// No reader would interpret an absolute pointer in the table of records.
#[test]
fn tables_hold_no_pointers() {
    let Some(bench) = Bench::new("tables_hold_no_pointers") else {
        return;
    };
    let text = format!(
        "{INIT}nop\nret\n.section alt_records, \"ao\", %progbits, init\n.long init - .\n\
         .xword init\n.long 0\n"
    );
    let message = bench.refused_text(PLAIN, &text);
    expect(
        &message,
        &["R_AARCH64_ABS64 at alt_records+0x4", "hold distances only"],
    );
}

#[test]
fn pointers_are_aligned() {
    let Some(bench) = Bench::new("pointers_are_aligned") else {
        return;
    };
    let text = format!(
        "{INIT}adrp x0, table\nret\n.section .rodata.t, \"a\"\n.balign 8\n.type table, %object\n\
         table: .long 1\n.xword init\n"
    );
    let message = bench.refused_text(PLAIN, &text);
    expect(
        &message,
        &["not aligned to 8 bytes", "table+0x4 of fixture.o"],
    );
}

/// The first section header of this type, as an offset in the file.
fn header(bytes: &[u8], kind: u32, skip: usize) -> usize {
    // ELF64: e_shoff at 0x28, e_shnum at 0x3c; headers of 64 bytes, sh_type at 4.
    let table = u64::from_le_bytes(bytes[0x28..0x30].try_into().unwrap()) as usize;
    let count = u16::from_le_bytes(bytes[0x3c..0x3e].try_into().unwrap());
    let mut headers = (0..usize::from(count)).map(|index| table + 64 * index);
    let of_kind = |header: &usize| bytes[header + 4..header + 8] == kind.to_le_bytes();
    headers.by_ref().filter(of_kind).nth(skip).unwrap()
}

#[test]
fn relocations_without_addends_are_refused() {
    let Some(bench) = Bench::new("relocations_without_addends_are_refused") else {
        return;
    };
    let object = bench.assemble(&format!("{INIT}bl init\nret"), "fixture.o");
    let mut bytes = std::fs::read(object).unwrap();
    let at = header(&bytes, 4, 0);
    // SHT_RELA, 24 bytes each, becomes SHT_REL, 16 bytes each.
    bytes[at + 4] = 9;
    bytes[at + 0x20] = 16;
    bytes[at + 0x38] = 16;
    let object = bench.write("rel.o", bytes);
    expect(
        &bench.refused(PLAIN, &[&object]),
        &["section .rela.text.init of rel.o", "SHT_REL"],
    );
}

#[test]
fn relocations_behind_their_section_are_refused() {
    let Some(bench) = Bench::new("relocations_behind_their_section_are_refused") else {
        return;
    };
    let object = bench.assemble(&format!("{INIT}bl init\nret"), "fixture.o");
    let mut bytes = std::fs::read(object).unwrap();
    let at = header(&bytes, 4, 0);
    let offset = u64::from_le_bytes(bytes[at + 0x18..at + 0x20].try_into().unwrap()) as usize;
    bytes[offset..offset + 8].copy_from_slice(&8u64.to_le_bytes());
    let object = bench.write("past.o", bytes);
    expect(
        &bench.refused(PLAIN, &[&object]),
        &[".text.init+0x8 of past.o: .text.init has 0x8 bytes"],
    );
}
