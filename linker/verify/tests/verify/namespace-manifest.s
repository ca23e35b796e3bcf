// finding: image: the namespace hyp has no section
// finding: image: maps the section .hyp_shared.rodata for data-ro
// finding: image: maps the section .hyp_* for data-rw
manifest_begin
.ascii "name = \"hyp\"\n"
.ascii "exports = ['vectors']\n"
.ascii "mapped = { data-ro = ['.rodata', '.hyp_shared.rodata'], data-rw = ['.hyp_*'] }\n"
manifest_end
.globl _start
fn _start
    branch_if_cap 1, 1f
1:
end_fn _start
.section .rodata, "a"
.quad 0
