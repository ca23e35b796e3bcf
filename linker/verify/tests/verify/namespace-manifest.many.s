// finding: image: there are 17 namespaces
// script: support/namespace.ld
manifest_begin
.irpc word, abcdefghijklmnop
.ascii "name = \"hyp.\word\"\nexports = ['a']\n\0"
.pushsection .hyp.text, "ax"
.globl __hyp_\word\()_text_start, __hyp_\word\()_text_end
__hyp_\word\()_text_start: ret
__hyp_\word\()_text_end:
.popsection
.endr
.ascii "name = \"hyp\"\nexports = ['vectors']\n"
manifest_end
.globl _start
fn _start
    branch_if_cap 1, 1f
1:
end_fn _start
