//! Compiles the `.proto` files with a compiler written in Rust, so that no `protoc` is needed.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = [
        "bank/v1/bank.proto",
        "bank/v1/inbound.proto",
        "consent/v1/access.proto",
        "consent/v1/events.proto",
        "consent/v1/platform.proto",
        "consent/v1/registration.proto",
        "decision/v1/decision.proto",
    ];
    for file in files {
        println!("cargo:rerun-if-changed={file}");
    }
    let descriptors = protox::compile(files, ["."])?;
    tonic_prost_build::configure().compile_fds(descriptors)?;
    Ok(())
}
