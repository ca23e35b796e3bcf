alt_runtime::cpucaps!("broken.toml");

fn main() {}
