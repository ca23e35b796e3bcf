// finding: image: .alt_namespaces+0x0: a string without a NUL byte
.pushsection .alt_namespaces, "", @progbits
.ascii "name = \"hyp\"\nexports = ['a']\n"
.popsection
.globl _start
fn _start
    branch_if_cap 1, 1f
1:
end_fn _start
