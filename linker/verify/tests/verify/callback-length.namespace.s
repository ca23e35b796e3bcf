// finding: site: the record states 2 instructions for the callback, 1 for the site
// script: support/namespace.ld
manifest_begin
.ascii "name = \"hyp\"\n"
.ascii "exports = ['vectors']\n"
.ascii "allow.callback = 'callback'\n"
manifest_end
.globl _start
fn _start
end_fn _start
.pushsection alt_callbacks, "aR", @progbits
callback: .quad 0, 0, _start
.popsection
.section .hyp.text, "ax"
fn __hyp_vectors
site:
    nop
end_fn __hyp_vectors
raw_record site, callback, 1 << 15 | 1, 1, 2
