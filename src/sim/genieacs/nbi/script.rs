//! What is looked at in a script: that it reads as JavaScript would have it at first sight.
//!
//! Scripts are not run here. Checked are strings, templates and comments that end, brackets that
//! match, and an operator with nothing behind it; everything else is taken.

/// Checks a script; the words of V8 when it cannot be one.
pub(crate) fn check(script: &str) -> Result<(), String> {
    let mut open: Vec<char> = Vec::new();
    let mut last = ' ';
    let mut chars = script.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => continue,
            '/' if chars.peek() == Some(&'/') => {
                chars.by_ref().find(|c| *c == '\n');
                continue;
            }
            '/' if chars.peek() == Some(&'*') => {
                let mut before = ' ';
                chars.next();
                let mut ends = |c: char| {
                    let end = before == '*' && c == '/';
                    before = c;
                    end
                };
                if chars.by_ref().find(|c| ends(*c)).is_none() {
                    return Err("Invalid or unexpected token".into());
                }
                continue;
            }
            // Where a value may begin, a slash begins a regular expression.
            '/' if !(last.is_alphanumeric() || ")]_$}\"".contains(last)) => {
                literal(&mut chars, '/', "Invalid regular expression: missing /")?;
            }
            '"' | '\'' => literal(&mut chars, c, "Invalid or unexpected token")?,
            '`' => template(&mut chars)?,
            '(' | '[' | '{' => open.push(c),
            ')' | ']' | '}' => {
                let fits = matches!((open.pop(), c), (Some('('), ')') | (Some('['), ']') | (Some('{'), '}'));
                if !fits || dangles(last) {
                    return Err(format!("Unexpected token '{c}'"));
                }
            }
            ';' if dangles(last) || open.last() == Some(&'[') => return Err("Unexpected token ';'".into()),
            _ => {}
        }
        last = if matches!(c, '"' | '\'' | '`' | '/') { '"' } else { c };
    }
    if !open.is_empty() || dangles(last) {
        return Err("Unexpected end of input".into());
    }
    Ok(())
}

/// An operator that wants something behind it.
fn dangles(c: char) -> bool {
    "=+*%&|^!~?.:<>".contains(c) && c != ':' && c != '+'
}

fn literal(chars: &mut impl Iterator<Item = char>, end: char, unended: &str) -> Result<(), String> {
    let mut class = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            '\n' => break,
            '[' if end == '/' => class = true,
            ']' if end == '/' => class = false,
            _ if c == end && !class => return Ok(()),
            _ => {}
        }
    }
    Err(unended.into())
}

fn template(chars: &mut impl Iterator<Item = char>) -> Result<(), String> {
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            '`' => return Ok(()),
            _ => {}
        }
    }
    Err("Unterminated template literal".into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::check;

    #[test]
    fn what_is_wrong_is_told() {
        assert_eq!(check("const x = ;").unwrap_err(), "Unexpected token ';'");
        assert_eq!(check("declare(\"a\"").unwrap_err(), "Unexpected end of input");
        assert_eq!(check("let a = \"x").unwrap_err(), "Invalid or unexpected token");
        assert_eq!(check("foo(]").unwrap_err(), "Unexpected token ']'");
    }

    #[test]
    fn what_people_write_passes() {
        for script in [
            "",
            "// nothing",
            "const now = Date.now();\ndeclare(\"InternetGatewayDevice.DeviceInfo.UpTime\", {value: now});",
            "let m=declare(\"a.b\",{value:Date.now()});return {writable:true,value:[m.value[0],\"xsd:string\"]};",
            "if (/^V3\\.(0|1)[/;]/.test(v)) { i++; } /* ; = */ log(`a ${b}`);",
            "let x = a ? b : 'c'; for (;;) { break; } switch (x) { case 1: }",
        ] {
            assert_eq!(check(script), Ok(()), "{script}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(script in "\\PC{0,200}") {
            let _ = check(&script);
        }
    }
}
