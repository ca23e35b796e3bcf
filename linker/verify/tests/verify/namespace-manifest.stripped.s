// finding: image: the image has no symbols
// script: stripped.ld
// drop: symbols
manifest_begin
.ascii "name = \"hyp\"\n"
.ascii "exports = ['vectors']\n"
manifest_end
.globl _start
fn _start
    branch_if_cap 1, 1f
1:
end_fn _start
.section .hyp.text, "ax"
fn __hyp_vectors
end_fn __hyp_vectors
.section .rodata.alt_bounds, "a"
.balign 8
.irp section, alt_branches, alt_records, alt_replacements, alt_plan, alt_callbacks, alt_plan_size
.weak __start_\section, __stop_\section
.xword __start_\section - .
.xword __stop_\section - .
.endr
