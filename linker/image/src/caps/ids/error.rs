//! Errors of reading ID registers.

use std::fmt;

use alt_runtime::cap::idregs::Register;

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At {
    /// The name of the file in messages.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
}

/// `file:line`.
impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// The ID registers of a machine cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdsError {
    /// There is not a register in the file.
    #[error(
        "{file}: the file has no ID registers; give each as a line MIDR_EL1=0x410fd034, or in TOML as \
         MIDR_EL1 = \"0x410fd034\""
    )]
    Empty {
        /// The name of the file in messages.
        file: String,
    },
    /// A machine of the list has no register.
    #[error("{at}: this machine has no ID registers")]
    NoRegisters {
        /// The start of the machine.
        at: At,
    },
    /// The file is neither a list of lines nor TOML.
    #[error(
        "{at}: neither a log with lines `idreg NAME=0x…`, nor lines NAME=0x…, nor TOML: {message}"
    )]
    Toml {
        /// The place of the error.
        at: At,
        /// The message of the parser.
        message: String,
    },
    /// A line is not of the form `NAME=0x…`.
    #[error("{at}: `{text}` is not NAME=0x…")]
    NotALine {
        /// The place.
        at: At,
        /// The line.
        text: String,
    },
    /// A TOML value of another type than the one expected.
    #[error("{at}: `{key}` is {found}, and must be {expected}")]
    WrongType {
        /// The place.
        at: At,
        /// Its key.
        key: String,
        /// Its type.
        found: &'static str,
        /// The expected type.
        expected: &'static str,
    },
    /// The register does not exist, or alt-runtime does not read it.
    #[error(
        "{at}: unknown ID register `{name}`; names are the Arm ARM's, such as ID_AA64ISAR0_EL1"
    )]
    UnknownRegister {
        /// The place.
        at: At,
        /// The name.
        name: String,
    },
    /// A value that is not a hexadecimal number of 64 bits.
    #[error("{at}: {register} is `{number}`, and must be 0x and 1 to 16 hexadecimal digits")]
    BadNumber {
        /// The place.
        at: At,
        /// The register.
        register: Register,
        /// The text.
        number: String,
    },
    /// One machine has a register, or another key, twice.
    #[error("{at}: `{name}` occurs twice; a file, or the log of one boot, has each register once")]
    Duplicate {
        /// The second place.
        at: At,
        /// The register, or the key.
        name: String,
    },
    /// No built-in machine has this CPU.
    #[error("no built-in CPU `{cpu}`; use one of: {}", .known.join(", "))]
    UnknownCpu {
        /// The requested text.
        cpu: String,
        /// The known ones.
        known: Vec<String>,
    },
    /// The built-in CPU is not of this version of QEMU.
    #[error("the registers of `{cpu}` are not known for QEMU {version}, but for {}", .known.join(", "))]
    UnknownVersion {
        /// The requested text, without the version.
        cpu: String,
        /// The version.
        version: String,
        /// The known ones.
        known: Vec<String>,
    },
}
