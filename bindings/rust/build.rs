//! Links libstele: from the directory that STELE_LIB names, else from where the linker looks by itself.

fn main() {
    println!("cargo:rerun-if-env-changed=STELE_LIB");
    if let Ok(directory) = std::env::var("STELE_LIB") {
        println!("cargo:rustc-link-search=native={directory}");
        println!("cargo:lib={directory}"); // DEP_STELE_LIB for the build scripts of programs
    }
    println!("cargo:rustc-link-lib=dylib=stele");
}
