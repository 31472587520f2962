//! Finding the file behind the first word of a command.

use provost_model::spawn::SpawnProblem;
use rustix::fs::{Access, access};
use std::fs::Metadata;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// Where upstream looks when nobody says where.
const DEFAULT_PATH: &str = "/bin:/usr/bin:/usr/local/bin";

/// Any of the three execute bits.
const EXECUTE_BITS: u32 = 0o111;

/// The file to execute, tested as upstream tests it before every spawn.
///
/// A word with a `/` is taken as it is, relative to the current directory. For any other the first directory of the
/// path that has an entry of that name decides, whether it can be executed or not. `path_var` is the `PATH` of the
/// program's own environment; without one it is that of this process, and without that (or if it is empty) a default.
pub fn locate(program: &str, path_var: Option<&str>) -> Result<PathBuf, SpawnProblem> {
    let (file, metadata) = if program.contains('/') {
        let file = PathBuf::from(program);
        let metadata = std::fs::metadata(&file).ok();
        (file, metadata)
    } else {
        search(program, &path_of(path_var))
    };
    let Some(metadata) = metadata else {
        return Err(SpawnProblem::NotFound {
            file: program.to_owned(),
        });
    };
    let shown = || file.to_string_lossy().into_owned();
    if metadata.is_dir() {
        Err(SpawnProblem::IsDirectory { file: shown() })
    } else if metadata.permissions().mode() & EXECUTE_BITS == 0 {
        Err(SpawnProblem::NotExecutable { file: shown() })
    } else if access(&file, Access::EXEC_OK).is_err() {
        Err(SpawnProblem::NoPermission { file: shown() })
    } else {
        Ok(file)
    }
}

fn path_of(path_var: Option<&str>) -> String {
    let own = || std::env::var("PATH").ok().filter(|path| !path.is_empty());
    path_var
        .map(str::to_owned)
        .or_else(own)
        .unwrap_or_else(|| DEFAULT_PATH.to_owned())
}

/// An empty entry of the path is the current directory.
fn search(program: &str, path: &str) -> (PathBuf, Option<Metadata>) {
    let found = path.split(':').find_map(|directory| {
        let file = PathBuf::from(directory).join(program);
        std::fs::metadata(&file)
            .ok()
            .map(|metadata| (file, metadata))
    });
    match found {
        Some((file, metadata)) => (file, Some(metadata)),
        None => (PathBuf::from(program), None),
    }
}
