//! The part of QEMU's plugin interface that is used here: version 4 (QEMU 10).
//!
//! Names and layouts are those of QEMU's `qemu-plugin.h` and of GLib. The process that loads
//! this library defines them all.

use std::ffi::{c_char, c_int, c_uint, c_void};

/// The version that this is written for; QEMU refuses what it does not support.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)]
pub static qemu_plugin_version: c_int = 4;

/// A loaded plugin.
pub type PluginId = u64;
/// The properties of an access to memory, in bits that only QEMU reads.
pub type MemInfo = u32;

/// Opaque types of QEMU.
#[repr(C)]
pub struct Opaque([u8; 0]);
pub type Block = Opaque;
pub type Instruction = Opaque;
pub type HardwareAddress = Opaque;
pub type RegisterHandle = Opaque;

/// Information about QEMU.
#[repr(C)]
pub struct Info {
    pub target_name: *const c_char,
    pub version_min: c_int,
    pub version_cur: c_int,
    pub system_emulation: bool,
    pub smp_vcpus: c_int,
    pub max_vcpus: c_int,
}

/// A register that can be read.
#[repr(C)]
pub struct RegisterDescriptor {
    pub handle: *mut RegisterHandle,
    pub name: *const c_char,
    pub feature: *const c_char,
}

/// GLib's `GArray` and `GByteArray`, which have the same layout.
#[repr(C)]
pub struct Array<T> {
    pub data: *mut T,
    pub len: c_uint,
}

/// The callback may read registers.
pub const READS_REGISTERS: c_uint = 1;
/// The callback reads none.
pub const NO_REGISTERS: c_uint = 0;
/// Loads and stores.
pub const LOADS_AND_STORES: c_uint = 3;

pub type OnCpu = extern "C" fn(id: PluginId, cpu: c_uint);
pub type OnTranslation = extern "C" fn(id: PluginId, block: *mut Block);
pub type OnExecution = extern "C" fn(cpu: c_uint, data: *mut c_void);
pub type OnAccess = extern "C" fn(cpu: c_uint, info: MemInfo, address: u64, data: *mut c_void);
pub type OnExit = extern "C" fn(id: PluginId, data: *mut c_void);

unsafe extern "C" {
    pub fn qemu_plugin_register_vcpu_init_cb(id: PluginId, callback: OnCpu);
    pub fn qemu_plugin_register_vcpu_tb_trans_cb(id: PluginId, callback: OnTranslation);
    pub fn qemu_plugin_register_atexit_cb(id: PluginId, callback: OnExit, data: *mut c_void);
    pub fn qemu_plugin_register_vcpu_insn_exec_cb(
        instruction: *mut Instruction,
        callback: OnExecution,
        flags: c_uint,
        data: *mut c_void,
    );
    pub fn qemu_plugin_register_vcpu_mem_cb(
        instruction: *mut Instruction,
        callback: OnAccess,
        flags: c_uint,
        accesses: c_uint,
        data: *mut c_void,
    );

    pub fn qemu_plugin_tb_n_insns(block: *const Block) -> usize;
    pub fn qemu_plugin_tb_get_insn(block: *const Block, index: usize) -> *mut Instruction;
    pub fn qemu_plugin_insn_data(insn: *const Instruction, to: *mut c_void, len: usize) -> usize;
    pub fn qemu_plugin_insn_vaddr(instruction: *const Instruction) -> u64;
    /// Address of the instruction in QEMU's own memory; null if it is not in RAM.
    pub fn qemu_plugin_insn_haddr(instruction: *const Instruction) -> *mut c_void;

    pub fn qemu_plugin_mem_is_store(info: MemInfo) -> bool;
    /// Logarithm of the size in bytes.
    pub fn qemu_plugin_mem_size_shift(info: MemInfo) -> c_uint;
    pub fn qemu_plugin_get_hwaddr(info: MemInfo, address: u64) -> *mut HardwareAddress;
    pub fn qemu_plugin_hwaddr_is_io(address: *const HardwareAddress) -> bool;
    pub fn qemu_plugin_hwaddr_phys_addr(address: *const HardwareAddress) -> u64;

    /// The caller owns the array.
    pub fn qemu_plugin_get_registers() -> *mut Array<RegisterDescriptor>;
    /// Appends the register's bytes; returns their number, or -1.
    pub fn qemu_plugin_read_register(handle: *mut RegisterHandle, to: *mut Array<u8>) -> c_int;

    pub fn g_array_free(array: *mut Array<RegisterDescriptor>, free_data: c_int) -> *mut c_char;
    pub fn g_byte_array_new() -> *mut Array<u8>;
    pub fn g_byte_array_free(array: *mut Array<u8>, free_data: c_int) -> *mut u8;
}
