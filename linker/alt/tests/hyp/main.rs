//! The partial link of code for another exception level, and what `alt verify` says of an image
//! with it.

mod allow;
mod build_script;
mod carried;
mod good;
mod inputs;
mod instrumentation;
mod kernel;
mod manifest;
mod namespaces;
mod relocations;
mod sections;
mod support;
mod symbols;
mod work;
