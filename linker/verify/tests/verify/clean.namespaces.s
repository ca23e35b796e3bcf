// script: support/namespace.ld
// link: --defsym=__kernel_end=__hyp_text_start
// All that a namespace may do, and all that the kernel may do with one.
manifest_begin
.ascii "name = \"hyp\"\n"
.ascii "exports = ['vectors', 'table']\n"
.ascii "allow.compute = 'callback'\n"
.ascii "allow.config = 'data-ro'\n"
.ascii "allow.counters = { kind = 'data-rw', kernel = 'hyp_counters' }\n"
.ascii "allow.landing = 'eret-target'\n"
.ascii "allow.image_end = 'bound'\n"
.ascii "allow.unused = 'callback'\n"
.ascii "mapped = { data-ro = ['.hyp_shared.rodata'], data-rw = ['.hyp_shared.data'] }\n"
.ascii "sections = { '.data.percpu' = ['.data..percpu'] }\n"
.ascii "code.indirect-calls = ['demo_hyp::dispatch', 'plain*']\n"
manifest_end
manifest_begin
.ascii "name = \"hyp.vhe\"\n"
.ascii "exports = ['init']\n"
.ascii "code = { x18 = 'forbidden', fp-simd = 'allowed' }\n"
manifest_end

.globl _start
fn _start
    adrp x0, __hyp_vectors
    add x0, x0, :lo12:__hyp_vectors
    adrp x1, __hyp_text_start
    add x1, x1, :lo12:__hyp_text_start
    adrp x1, __hyp_text_end
    add x1, x1, :lo12:__hyp_text_end
    // A bound of the kernel's.
    adrp x1, __kernel_end
    add x1, x1, :lo12:__kernel_end
    // The other namespace begins at this address; an empty section belongs to no namespace.
    adrp x1, __hyp_data_end
    add x1, x1, :lo12:__hyp_data_end
    adrp x1, __hyp_bss_start
    add x1, x1, :lo12:__hyp_bss_start
    // The memory after it is freed after boot.
    adrp x1, __hyp_vhe_data_end
    add x1, x1, :lo12:__hyp_vhe_data_end
    adrp x1, __hyp_table + 8
    ldr x1, [x1, :lo12:__hyp_table + 8]
    b .
.size _start, . - _start
fn landing
end_fn landing
.globl landing
// It makes an address for the code there, and does not go to it.
fn callback
    adrp x0, __hyp_vectors
    add x0, x0, :lo12:__hyp_vectors
end_fn callback
.pushsection alt_callbacks, "aR", @progbits
.globl compute
compute: .quad 0, 0, callback
.popsection
.section .hyp_shared.rodata, "a"
.globl config
config: .quad 1
.size config, 8
.section .hyp_shared.data, "aw"
.globl hyp_counters
hyp_counters: .quad 0, 0
.size hyp_counters, 16
.data
// A section of the namespace under another name.
.globl __hyp_data_percpu_start, __hyp_data_percpu_end
__hyp_data_percpu_start:
counter: .quad 0
__hyp_data_percpu_end:
installed: .quad __hyp_vectors, __hyp_vhe_init
.globl image_end
image_end:
.quad 0
behind: .quad 0, 0

.section .hyp.text, "ax"
.globl __hyp_text_start, __hyp_text_end
__hyp_text_start:
.globl __hyp_vectors
fn __hyp_vectors
    bl _ZN8demo_hyp8dispatch17h0123456789abcdefE.hyp
    bl __hyp_plain_call
    str x18, [sp, #-16]!
    b __hyp_sites
end_fn __hyp_vectors
fn _ZN8demo_hyp8dispatch17h0123456789abcdefE.hyp
    adrp x0, __hyp_table
    add x0, x0, :lo12:__hyp_table
    blr x0
    adrp x0, config
    ldr x0, [x0, :lo12:config]
    adrp x0, hyp_counters + 8
    str x0, [x0, :lo12:hyp_counters + 8]
    adrp x0, counter
    ldr x0, [x0, :lo12:counter]
    adrp x0, landing
    add x0, x0, :lo12:landing
    adrp x0, image_end
    add x0, x0, :lo12:image_end
    // A bound is where something begins or ends, however far that goes.
    adrp x0, image_end + 16
    add x0, x0, :lo12:image_end + 16
    adrp x0, __hyp_data_end
    add x0, x0, :lo12:__hyp_data_end
    adrp x0, __hyp_bss_start
    add x0, x0, :lo12:__hyp_bss_start
    eret
end_fn _ZN8demo_hyp8dispatch17h0123456789abcdefE.hyp
fn __hyp_plain_call
    br x16
end_fn __hyp_plain_call
fn __hyp_sites
site:
    nop
    branch_if_cap 1, 1f
    nop
1:
    alternative_begin
    nop
    alternative_arm 2
    b __hyp_plain_call
    alternative_end
end_fn __hyp_sites
__hyp_text_end:
raw_record site, compute, 1 << 15 | 1, 1, 1

.section .hyp.rodata, "a"
.globl __hyp_table
__hyp_table: .quad __hyp_vectors, 0, __hyp_text_end
.size __hyp_table, 24
.section .hyp.pointers, "a"
.long __hyp_table - ., __hyp_table + 16 - .

.section .hyp.data, "aw"
.skip 4096
.globl __hyp_data_end, __hyp_bss_start
__hyp_data_end:
.text
.balign 4096
__hyp_bss_start:

.section .hyp.vhe.text, "ax"
.globl __hyp_vhe_init
fn __hyp_vhe_init
    fmov d0, x0
end_fn __hyp_vhe_init
.section .hyp.vhe.data, "aw"
.skip 4096
.globl __hyp_vhe_data_end
__hyp_vhe_data_end:
