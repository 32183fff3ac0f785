//! Where noctule's files are: the XDG base directories, with overrides for jump hosts, services
//! and tests.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;
use etcetera::base_strategy::Xdg;

use super::Vars;

/// Folders and files of one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dirs {
    /// `noctule.toml`, `keymap.toml`, `inventory.*`, `themes/`; `$XDG_CONFIG_HOME/noctule`.
    pub config: PathBuf,
    /// Journal and cache; `$XDG_DATA_HOME/noctule`, or `NOCTULE_DATA_DIR`.
    pub data: PathBuf,
    /// Log and crash files; `$XDG_STATE_HOME/noctule`, or `state` in `NOCTULE_DATA_DIR`.
    pub state: PathBuf,
    /// The user's home, for `~/` in paths.
    pub home: PathBuf,
}

/// There is no home directory to put anything under.
#[derive(Debug, thiserror::Error)]
#[error("no home directory: set HOME, or NOCTULE_CONFIG and NOCTULE_DATA_DIR, to absolute paths")]
pub struct NoHome;

impl Dirs {
    /// The folders for these environment variables.
    ///
    /// # Errors
    /// When neither `HOME` nor the overrides say where.
    pub fn detect(vars: &Vars) -> Result<Self, NoHome> {
        let data_override = vars.get("NOCTULE_DATA_DIR").map(PathBuf::from);
        let home = vars.get("HOME").map(PathBuf::from).or_else(|| etcetera::home_dir().ok());
        let xdg = Xdg::new().ok();
        let base = |name: &str, below: &str, native: Option<PathBuf>| {
            vars.get(name)
                .map(PathBuf::from)
                .filter(|p| p.is_absolute())
                .or_else(|| home.as_ref().map(|h| h.join(below)))
                .or(native)
                .map(|p| p.join("noctule"))
        };
        let config_override = vars.get("NOCTULE_CONFIG").and_then(|f| Path::new(f).parent()).map(Path::to_path_buf);
        let config = base("XDG_CONFIG_HOME", ".config", xdg.as_ref().map(Xdg::config_dir));
        let data = base("XDG_DATA_HOME", ".local/share", xdg.as_ref().map(Xdg::data_dir));
        let state = base("XDG_STATE_HOME", ".local/state", xdg.as_ref().and_then(Xdg::state_dir));
        Ok(Self {
            config: config_override.or(config).ok_or(NoHome)?,
            state: data_override.as_ref().map(|d| d.join("state")).or(state).ok_or(NoHome)?,
            data: data_override.or(data).ok_or(NoHome)?,
            home: home.unwrap_or_else(|| PathBuf::from("/")),
        })
    }

    /// The user's configuration file.
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.config.join("noctule.toml")
    }

    /// Folder of the user's themes.
    #[must_use]
    pub fn themes(&self) -> PathBuf {
        self.config.join("themes")
    }

    /// Folder that crash files are written to.
    #[must_use]
    pub fn crashes(&self) -> PathBuf {
        self.state.join("crashes")
    }

    /// A path as written in a file of `folder`: `~/` is the home, relative is beside the file.
    #[must_use]
    pub fn resolve(&self, folder: &Path, written: &str) -> PathBuf {
        match written.strip_prefix("~/") {
            Some(rest) => self.home.join(rest),
            None => folder.join(written),
        }
    }
}
