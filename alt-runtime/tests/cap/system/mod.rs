//! Systems of several CPUs: sanitised registers, and the caps that these decide.

mod built_on;
mod decided;
mod fixture;
mod hooks;
mod models;
mod sanitised;
