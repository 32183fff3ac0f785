//! The size of a serial line. It has no way to tell a guest how large the terminal is, so a shell
//! believes in 24 rows of 80 columns until somebody says otherwise: this is the line to offer.

/// The command that tells a guest's shell the size.
#[must_use]
pub fn command(rows: u16, columns: u16) -> String {
    format!("stty rows {rows} cols {columns}")
}

/// What typing it sends: a blank before it keeps it out of most shells' history, Enter runs it.
#[must_use]
pub fn keystrokes(rows: u16, columns: u16) -> Vec<u8> {
    format!(" {}\r", command(rows, columns)).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_typed_as_shown() {
        assert_eq!(command(50, 132), "stty rows 50 cols 132");
        assert_eq!(keystrokes(50, 132), b" stty rows 50 cols 132\r");
    }
}
