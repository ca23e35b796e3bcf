//! The functions that QEMU calls.

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::path::Path;
use std::ptr;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use coherence::Config;

use crate::api;
use crate::attention::Attention;
use crate::instruction::Instruction;
use crate::observer::Observer;
use crate::registers::Registers;

static PLUGIN: OnceLock<Plugin> = OnceLock::new();

struct Plugin {
    attention: Attention,
    observer: Mutex<Observer>,
}

fn observer(plugin: &Plugin) -> MutexGuard<'_, Observer> {
    let observer = plugin.observer.lock();
    observer.unwrap_or_else(PoisonError::into_inner)
}

/// Called once, when the plugin is loaded. QEMU exits if the result is not 0.
///
/// # Safety
/// Only QEMU may call it, with arguments as its plugin interface specifies.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qemu_plugin_install(
    id: api::PluginId,
    info: *const api::Info,
    argc: c_int,
    argv: *const *const c_char,
) -> c_int {
    // SAFETY: the caller's promise.
    let (info, arguments) = unsafe {
        let argument = |index| CStr::from_ptr(*argv.add(index)).to_string_lossy();
        (&*info, (0..argc as usize).map(argument).collect::<Vec<_>>())
    };
    let probe = arguments.iter().any(|argument| argument == "probe=on");
    if probe {
        println!(
            "coherence-plugin loaded: plugin API {} to {}",
            info.version_min, info.version_cur
        );
        return 1;
    }
    let path = arguments
        .iter()
        .find_map(|argument| argument.strip_prefix("config="));
    match install(id, info, path) {
        Ok(()) => 0,
        Err(why) => {
            eprintln!("coherence-plugin: {why}");
            1
        }
    }
}

fn install(id: api::PluginId, info: &api::Info, config: Option<&str>) -> Result<(), String> {
    if !info.system_emulation {
        return Err("it is for QEMU's system emulation".into());
    }
    let config = config.ok_or("the argument config=FILE is missing")?;
    let config = Config::read(Path::new(config)).map_err(|why| why.to_string())?;
    let cpus = usize::try_from(info.max_vcpus).unwrap_or_default();
    let report = config.report.clone();
    let observer =
        Observer::new(config, cpus).map_err(|why| format!("{}: {why}", report.display()))?;
    let plugin = Plugin {
        attention: Attention::new(cpus),
        observer: Mutex::new(observer),
    };
    if PLUGIN.set(plugin).is_err() {
        return Err("it is loaded already".into());
    }
    // SAFETY: the callbacks have the types that QEMU calls, and live as long as it does.
    unsafe {
        api::qemu_plugin_register_vcpu_init_cb(id, on_cpu);
        api::qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
        api::qemu_plugin_register_atexit_cb(id, on_exit, ptr::null_mut());
    }
    Ok(())
}

extern "C" fn on_cpu(_: api::PluginId, cpu: c_uint) {
    if let Some(plugin) = PLUGIN.get() {
        let registers = Registers::of_this_cpu();
        observer(plugin).set_registers(cpu, registers);
    }
}

extern "C" fn on_translation(_: api::PluginId, block: *mut api::Block) {
    let Some(plugin) = PLUGIN.get() else {
        return;
    };
    let mut observer = observer(plugin);
    // SAFETY: block and instructions are valid in this callback; the data that is registered
    // with them is never freed.
    unsafe {
        for index in 0..api::qemu_plugin_tb_n_insns(block) {
            let handle = api::qemu_plugin_tb_get_insn(block, index);
            let mut word = [0; 4];
            let read = api::qemu_plugin_insn_data(handle, word.as_mut_ptr().cast(), word.len());
            if read != word.len() {
                continue;
            }
            let address = api::qemu_plugin_insn_vaddr(handle);
            let host = api::qemu_plugin_insn_haddr(handle);
            let host = (!host.is_null()).then_some(host as u64);
            let instruction = observer.translated(address, host, u32::from_le_bytes(word));
            let flags = match instruction.op.and_then(|op| op.register) {
                Some(_) => api::READS_REGISTERS,
                None => api::NO_REGISTERS,
            };
            let data = ptr::from_ref(instruction).cast_mut().cast::<c_void>();
            api::qemu_plugin_register_vcpu_insn_exec_cb(handle, on_execution, flags, data);
            api::qemu_plugin_register_vcpu_mem_cb(
                handle,
                on_access,
                api::NO_REGISTERS,
                api::LOADS_AND_STORES,
                data,
            );
        }
    }
}

/// Before the instruction is executed.
extern "C" fn on_execution(cpu: c_uint, data: *mut c_void) {
    let Some(plugin) = PLUGIN.get() else {
        return;
    };
    // SAFETY: it was registered with an instruction, which is never freed.
    let instruction = unsafe { &*data.cast::<Instruction>() };
    if instruction.is_plain() && !plugin.attention.get(cpu) {
        return;
    }
    let attention = observer(plugin).executed(cpu, instruction);
    plugin.attention.set(cpu, attention);
}

/// After the access.
extern "C" fn on_access(cpu: c_uint, info: api::MemInfo, address: u64, data: *mut c_void) {
    let Some(plugin) = PLUGIN.get() else {
        return;
    };
    // SAFETY: as in `on_execution`; the handle is used in this callback only.
    let (instruction, physical) = unsafe {
        let handle = api::qemu_plugin_get_hwaddr(info, address);
        if handle.is_null() || api::qemu_plugin_hwaddr_is_io(handle) {
            return;
        }
        let physical = api::qemu_plugin_hwaddr_phys_addr(handle);
        (&*data.cast::<Instruction>(), physical)
    };
    let mut observer = observer(plugin);
    observer.memory.learn(address, physical);
    // SAFETY: these only look at the bits.
    let size = unsafe {
        api::qemu_plugin_mem_is_store(info).then(|| 1 << api::qemu_plugin_mem_size_shift(info))
    };
    if let Some(size) = size {
        observer.stored(cpu, instruction, address, physical, size);
    }
}

extern "C" fn on_exit(_: api::PluginId, _: *mut c_void) {
    if let Some(plugin) = PLUGIN.get() {
        observer(plugin).end();
    }
}
