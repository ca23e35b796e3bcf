//! docs/reach.md.

core::arch::global_asm!(
    r#"
.section .text.together.entry, "ax"
.previous
"#
);
