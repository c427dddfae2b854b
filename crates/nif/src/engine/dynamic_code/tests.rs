use monty::MontyRun;
use monty_types::{CompileOptions, ExcType};

use super::DynamicCode;

fn refused(code: &str) -> bool {
    DynamicCode::Refused.check(code, "main.py").is_err()
}

#[test]
fn every_way_to_read_the_names_is_refused() {
    for code in [
        "eval('1')",
        "exec('1')",
        "e = eval",
        "e = [exec][0]",
        "(lambda: eval)()",
        "f(eval)",
        "f(x, eval)",
        "f(x=eval)",
        "f(*eval)",
        "f(**exec)",
        "list(map(eval, ['1']))",
        "[eval(x) for x in y]",
        "[x for x in eval('y')]",
        "[x for x in y if exec(x)]",
        "{eval: 1}",
        "{1: eval}",
        "x[eval]",
        "x[1, eval]",
        "@eval\ndef f():\n    pass",
        "@exec\nclass C:\n    pass",
        "def f(x=eval):\n    pass",
        "def f(x: eval):\n    pass",
        "def f() -> eval:\n    pass",
        "lambda x=exec: x",
        "class C(eval):\n    pass",
        "class C:\n    e = eval",
        "if (e := eval):\n    pass",
        "eval.x",
        "eval",
        "not eval",
        "x if eval else y",
        "eval if x else y",
        "x = y = eval",
        "x += eval",
        "return_ = eval,",
        "raise eval",
        "with eval as f:\n    pass",
        "for x in eval:\n    pass",
        "global eval",
        "del exec",
        "assert eval",
        "await eval",
        "x: eval = 1",
        "(\n# a comment\neval\n)",
        "x = (y,\n# a comment\neval)",
        "x = \\\neval",
    ] {
        assert!(refused(code), "{code}");
    }
}

#[test]
fn the_expressions_of_f_strings_are_code() {
    for code in [
        "f'{eval(x)}'",
        "f'{eval=}'",
        "f'{x, eval=}'",
        "f'{x,eval = }'",
        "f(f'{x, eval=}')",
        "f'{x:{eval}}'",
        "f'{x:{y, eval=}}'",
        "f'{x!r:>{exec(y)}}'",
        "f'''{\neval\n}'''",
        "f\"{f'{eval}'}\"",
        "rf'{eval}'",
        "'a' f'{eval}' 'b'",
        "f'{{{eval}}}'",
    ] {
        assert!(refused(code), "{code}");
    }
    for code in ["f'eval'", "f'{{eval}}'", "f'{x:eval}'", "f'{x!r:eval}'"] {
        assert!(!refused(code), "{code}");
    }
}

#[test]
fn spellings_that_the_interpreter_takes_for_the_names_are_refused() {
    for name in ["ｅval", "𝐞𝐯𝐚𝐥", "eⅴal", "ℯval", "𝓮𝔁𝓮𝓬", "exeⅽ", "ｅｘｅｃ"]
    {
        assert!(refused(&format!("{name}('1')")), "{name}");
    }
    for name in [
        "Eval", "evaI", "evаl", "evàl", "_eval", "eval_", "evaluate", "exec2",
    ] {
        assert!(!refused(&format!("{name}('1')")), "{name}");
    }
}

#[test]
fn what_is_no_variable_is_left_alone() {
    for code in [
        "model.eval()",
        "model\\\n.eval()",
        "(model\n.\n# a comment\neval())",
        "x.exec.y = 1",
        "class C:\n    def exec(self):\n        return self.eval()",
        "class C:\n    async def eval(self):\n        pass",
        "def eval(x):\n    return x",
        "f(eval=1)",
        "f(x, exec=2, **y)",
        "f(f'{g(eval=1)}')",
        "def f(x, eval=1):\n    pass",
        "class C(B, eval=1):\n    pass",
        "'eval(1)'",
        "b'exec'",
        "# eval(1)",
        "x = {'eval': 1}",
    ] {
        assert!(!refused(code), "{code}");
    }
}

#[test]
fn nothing_that_compiles_reaches_the_builtins_past_the_check() {
    // Where the interpreter takes the source, the check and the interpreter must agree on what the name is.
    for code in [
        "ｅval('6 * 7')",
        "f\"{eval('6 * 7')}\"",
        "[e('6 * 7') for e in [eval]][0]",
    ] {
        let run = MontyRun::new(code.to_owned(), "main.py", vec![], CompileOptions::default());
        let value = run.expect("it compiles").run_no_limits(vec![]).expect("it runs");
        assert!(
            value.to_string().contains("42"),
            "{code} is not what this test takes it for"
        );
        assert!(refused(code), "{code}");
    }
}

#[test]
fn trusted_sources_may_use_them() {
    assert!(DynamicCode::Allowed.check("eval('1')", "main.py").is_ok());
}

#[test]
fn the_exception_points_at_the_name() {
    let code = "x = 1\r\nif x:\n    été = ｅval('x')\n";
    let exception = DynamicCode::Refused
        .check(code, "job.py")
        .expect_err("it is refused");
    assert_eq!(exception.exc_type(), ExcType::SyntaxError);
    assert!(
        exception
            .message()
            .expect("a message")
            .starts_with("'eval' is not available")
    );
    let [frame] = exception.traceback() else {
        panic!("one frame");
    };
    assert_eq!(frame.filename, "job.py");
    assert_eq!((frame.start.line, frame.start.column), (3, 11));
    assert_eq!((frame.end.line, frame.end.column), (3, 15));
    assert_eq!(frame.preview_line.as_deref(), Some("    été = ｅval('x')"));
}

#[test]
fn long_and_deep_sources_are_looked_through_without_recursion() {
    let deep = format!("{}eval{}", "(".repeat(100_000), ")".repeat(100_000));
    assert!(refused(&deep));
    let long = format!("{}exec", "x.eval + ".repeat(20_000));
    assert!(refused(&long));
}
