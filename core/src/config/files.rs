//! Large files that the configuration names by path and checksum: ported numbers, ranges, suppressions.
//!
//! A file is read once, whole, and counts only if it has the checksum that the snapshot says. What is in force is kept as
//! a copy beside the last good snapshot, so that a restart does not depend on files that may have changed since.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use brivas_proto::v1;
use sha2::{Digest, Sha256};

use crate::error::EngineError;

/// The folder of the copies, in the engine's data folder.
const FOLDER: &str = "tables";
/// The longest line of a file, its end included.
const LINE_OCTETS_MAX: u64 = 1_024;
const BUFFER_OCTETS: usize = 1 << 20;

/// Where copies are kept, and whether new ones are made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Files {
    folder: Option<PathBuf>,
    keeps: bool,
}

impl Files {
    /// In force from now on: copies are made. `data_dir` is the engine's.
    pub(crate) fn kept_in(data_dir: &Path) -> Self {
        Self { folder: Some(data_dir.join(FOLDER)), keeps: true }
    }

    /// Only to see whether all is right: copies are used and none is made.
    pub(crate) fn only_read(data_dir: &Path) -> Self {
        Self { folder: Some(data_dir.join(FOLDER)), keeps: false }
    }

    /// Reads a file by its copy, or else where the configuration says. `load` reads to the end or says, in words, what is
    /// wrong.
    pub(crate) fn read<T>(
        &self,
        file: &v1::DataFile,
        load: impl Fn(&mut dyn BufRead) -> Result<T, String>,
    ) -> Result<T, EngineError> {
        let path = Path::new(&file.path);
        let wrong = |what: String| EngineError::Config(format!("{}: {what}", path.display()));
        let digest = checksum(file)?;
        let copy = self.folder.as_ref().map(|folder| folder.join(hexadecimal(&digest)));
        if let Some(kept) = copy.as_ref().and_then(|copy| File::open(copy).ok()) {
            let mut reader = Source::reader(kept, None);
            // A damaged copy is as good as none.
            if let Ok(loaded) = load(&mut reader)
                && reader.get_mut().digest() == digest
            {
                return Ok(loaded);
            }
        }
        let original = File::open(path).map_err(|error| {
            wrong(format!("{error}; hint: the gateway itself reads this file, from its own machine"))
        })?;
        let failed = |operation: &'static str, path: &Path| {
            let path = path.to_owned();
            move |error| EngineError::Io { operation, path, error }
        };
        let draft = match (&self.folder, self.keeps) {
            (Some(folder), true) => {
                fs::create_dir_all(folder).map_err(failed("create", folder))?;
                let path = folder.join(".new");
                let mut options = fs::OpenOptions::new();
                options.write(true).create(true).truncate(true).mode(0o600);
                Some((options.open(&path).map_err(failed("write", &path))?, path))
            }
            _ => None,
        };
        let (draft, draft_path) = draft.unzip();
        let mut reader = Source::reader(original, draft);
        let loaded = load(&mut reader).map_err(wrong)?;
        io::copy(&mut reader, &mut io::sink()).map_err(|error| wrong(error.to_string()))?;
        let reader = reader.get_mut();
        if reader.digest() != digest {
            return Err(wrong(
                "has changed since the configuration was read; hint: apply it again".to_owned(),
            ));
        }
        if let (Some(draft), Some(draft_path), Some(copy)) = (reader.copy.take(), draft_path, copy) {
            draft.sync_all().and_then(|()| fs::rename(&draft_path, &copy)).map_err(failed("write", &copy))?;
        }
        Ok(loaded)
    }

    /// Removes the copies that this snapshot does not name. What cannot be removed stays, and is tried again next time.
    pub(crate) fn prune(&self, snapshot: &v1::Snapshot) {
        let Some(folder) = &self.folder else { return };
        let named: Vec<String> = named(snapshot).map(|file| hexadecimal(&file.sha256)).collect();
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if !named.iter().any(|name| entry.file_name() == name.as_str()) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// The files that a snapshot names.
fn named(snapshot: &v1::Snapshot) -> impl Iterator<Item = &v1::DataFile> {
    let plans = snapshot.numbering_plans.iter();
    let plans = plans.flat_map(|plan| plan.ranges_file.iter().chain(&plan.ported_file));
    plans.chain(snapshot.suppression_lists.iter().filter_map(|list| list.file.as_ref()))
}

/// The checksum that the snapshot says.
pub(crate) fn checksum(file: &v1::DataFile) -> Result<[u8; 32], EngineError> {
    file.sha256.as_slice().try_into().map_err(|_| {
        let octets = file.sha256.len();
        EngineError::Config(format!("{}: a checksum of {octets} octets is no SHA-256", file.path))
    })
}

fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// A file that is hashed, and copied, as it is read.
struct Source {
    file: File,
    hasher: Sha256,
    copy: Option<File>,
}

impl Source {
    fn reader(file: File, copy: Option<File>) -> BufReader<Self> {
        BufReader::with_capacity(BUFFER_OCTETS, Self { file, hasher: Sha256::new(), copy })
    }

    fn digest(&self) -> [u8; 32] {
        self.hasher.clone().finalize().into()
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        if let Some(copy) = &mut self.copy {
            copy.write_all(&buffer[..count])?;
        }
        Ok(count)
    }
}

/// Calls `each` with the trimmed columns of each line that is not blank; a first line that starts with a letter is a
/// header. What it says is wrong is told with the line.
pub(crate) fn each_line(
    reader: &mut dyn BufRead,
    mut each: impl FnMut(&mut dyn Iterator<Item = &str>) -> Result<(), String>,
) -> Result<(), String> {
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        let read = Read::take(&mut *reader, LINE_OCTETS_MAX).read_until(b'\n', &mut line);
        let wrong = |what: String| format!("line {number}: {what}");
        match read {
            Ok(0) => break,
            Ok(count) if count as u64 == LINE_OCTETS_MAX && line.last() != Some(&b'\n') => {
                return Err(wrong(format!("longer than {LINE_OCTETS_MAX} octets")));
            }
            Ok(_) => {}
            Err(error) => return Err(wrong(error.to_string())),
        }
        let text = std::str::from_utf8(&line).map_err(|_| wrong("not UTF-8".to_owned()))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim();
        let is_header = number == 1 && text.starts_with(|first: char| first.is_alphabetic());
        if text.is_empty() || is_header {
            continue;
        }
        each(&mut text.split(',').map(str::trim)).map_err(wrong)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &Path, content: &str) -> v1::DataFile {
        fs::write(path, content).unwrap();
        let sha256 = Sha256::digest(content).to_vec();
        v1::DataFile { path: path.to_str().unwrap().to_owned(), sha256 }
    }

    fn lines(reader: &mut dyn BufRead) -> Result<Vec<String>, String> {
        let mut lines = Vec::new();
        each_line(reader, |columns| {
            let line: Vec<_> = columns.collect();
            if line == ["wrong"] {
                return Err("it says so".to_owned());
            }
            lines.push(line.join("|"));
            Ok(())
        })?;
        Ok(lines)
    }

    #[test]
    fn what_was_in_force_is_read_again_after_its_file_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("numbers.csv");
        let named = file(&path, "number,network\n441, 234-15\n\n442,234-10");
        let files = Files::kept_in(folder.path());
        let expected = vec!["441|234-15".to_owned(), "442|234-10".to_owned()];
        assert_eq!(files.read(&named, lines).unwrap(), expected);
        fs::write(&path, "443,234-15").unwrap();
        assert_eq!(files.read(&named, lines).unwrap(), expected);
        files.prune(&v1::Snapshot::default());
        let error = files.read(&named, lines).unwrap_err().to_string();
        assert!(error.contains("has changed since"), "{error}");
        // A draft is no copy.
        assert!(Files::only_read(folder.path()).read(&named, lines).is_err());
    }

    #[test]
    fn a_wrong_line_is_told_with_its_file_and_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("numbers.csv");
        let files = Files::default();
        let told = |content: &str| files.read(&file(&path, content), lines).unwrap_err().to_string();
        assert!(told("1\n2\nwrong\n").ends_with("numbers.csv: line 3: it says so"));
        assert!(told(&"9".repeat(2_000)).contains("line 1: longer than 1024 octets"));
        fs::write(&path, b"1\n\xff\n").unwrap();
        let sha256 = Sha256::digest(b"1\n\xff\n").to_vec();
        let named = v1::DataFile { path: path.to_str().unwrap().to_owned(), sha256 };
        assert!(files.read(&named, lines).unwrap_err().to_string().contains("line 2: not UTF-8"));
    }
}
