// finding: calls: branches to __hyp_vectors (
// finding: private: uses the address of __hyp_inner
// finding: pointer: points to __hyp_inner
// finding: patched: branches to __hyp_vectors
// finding: branch: branches to __hyp_vectors
// finding: variant: branches to __hyp_vhe_init
// finding: data: uses the address of __hyp_state
// finding: patchable: points to __hyp_vectors
// path: calls: _start, __hyp_vectors
// path: patched: patches, __hyp_vectors
// script: support/namespace.ld
manifest_begin
.ascii "name = \"hyp\"\n"
.ascii "exports = ['vectors']\n"
manifest_end
manifest_begin
.ascii "name = \"hyp.vhe\"\n"
.ascii "exports = ['init']\n"
manifest_end
.globl _start
fn _start
calls:
    bl __hyp_vectors
    adrp x0, __hyp_inner
private:
    add x0, x0, :lo12:__hyp_inner
variant:
    bl __hyp_vhe_init
    adrp x0, __hyp_state
data:
    ldr x0, [x0, :lo12:__hyp_state]
end_fn _start
fn patches
    alternative_begin
patched:
    nop
    alternative_arm 1
    bl __hyp_vectors
    alternative_end
end_fn patches
fn branches
branch:
    nop
end_fn branches
.data
pointer: .quad __hyp_inner
.section __patchable_function_entries, "aw"
patchable: .quad __hyp_patchable
.section .hyp.text, "ax"
.globl __hyp_vectors
fn __hyp_vectors
    b __hyp_inner
__hyp_patchable: nop
end_fn __hyp_vectors
fn __hyp_inner
end_fn __hyp_inner
.section .hyp.data, "aw"
.quad 0
__hyp_state: .quad 0
.section .hyp.vhe.text, "ax"
.globl __hyp_vhe_init
fn __hyp_vhe_init
end_fn __hyp_vhe_init
// The linker script places this section 0x1000 bytes after the start of the text.
raw_branch branch, 1, (0x1000 - (branch - _start)) / 4
