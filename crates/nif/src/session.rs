//! Sessions: interpreters whose variables live on from one evaluation to the next.
//!
//! An evaluation is a run like any other, with the same pauses and the same snapshots; what it adds is where its state
//! comes from and goes to ([`Place`]).

use std::{sync::Arc, time::Duration};

use monty::MontyRepl;
use monty_types::{CompileOptions, MontyObject};
use rustler::{Binary, Encoder, Env, NifResult, Reference, Resource, ResourceArc, Term};

use crate::{
    atoms,
    engine::{
        Engine,
        admission::Admission,
        compiling,
        dynamic_code::DynamicCode,
        limits::Limits,
        meter::{self, Meter, Metered},
        overseer,
        parcel::{self, Names, Parcel},
        policy::Policy,
        run::{Host, Run, take_turn},
        session::{Idle, Loan, Place, Terms},
        suspended::{At, Ended, Progress},
        tether::Tether,
        turn::{self, Request},
    },
    error::{Failure, argument_error},
    progress::{Shape, Snapshot, Turned, decode_host, decode_inputs, refuse},
};

/// The name of a session's first evaluation in tracebacks, by which the interpreter tells whether there has been one.
const FIRST_SCRIPT: &str = "<python-input-0>";

/// What Elixir holds of a session.
pub(crate) struct Session(Arc<Place>);

#[rustler::resource_impl]
impl Resource for Session {}

impl Session {
    pub(crate) fn new(place: Arc<Place>) -> ResourceArc<Self> {
        ResourceArc::new(Self(place))
    }

    pub(crate) fn place(&self) -> &Arc<Place> {
        &self.0
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // This clone outlives the session, so that its state is freed where the reaper is.
        Engine::get().reaper.free(Box::new(Arc::clone(&self.0)));
    }
}

/// The session that a term refers to.
pub(crate) fn decode(term: Term<'_>) -> NifResult<ResourceArc<Session>> {
    term.decode()
        .map_err(|_| argument_error("expected a session, as ExMonty.Session.new/1 returns it"))
}

/// A session in which nothing has been evaluated. On a normal scheduler: it allocates a few kilobytes.
#[rustler::nif]
fn session_new<'a>(
    env: Env<'a>,
    script_name: &str,
    limits: Limits,
    policy: Policy,
    dynamic_code: DynamicCode,
    max_source_bytes: usize,
) -> Term<'a> {
    let terms = Terms {
        limits,
        dynamic_code,
        max_source_bytes,
        has_directory: policy.cwd.is_some(),
    };
    let idle = Metered::new(Meter::new(None), || {
        let run = Run::new(None, terms.limits.clone(), &policy);
        let mut repl = MontyRepl::new(script_name, terms.limits.tracker(), CompileOptions::default());
        if let Some(cwd) = &policy.cwd {
            repl.set_cwd(cwd);
        }
        let repl = Box::new(repl.with_os_policy(policy.os));
        Idle { repl, run }
    });
    Session::new(Place::holding(terms, idle)).encode(env)
}

/// Starts an evaluation. `names` and `values` are its inputs; `limits` may be `nil` for the session's own; `host` is a
/// lease or `nil`, and so is who oversees the run. Schedule and `:large` as for `start`.
#[rustler::nif]
#[expect(
    clippy::too_many_arguments,
    reason = "each is one thing that an evaluation has"
)]
fn session_start<'a>(
    env: Env<'a>,
    reference: Reference<'a>,
    session: Term<'a>,
    code: Binary<'a>,
    Names(names): Names,
    values: Term<'a>,
    limits: Option<Limits>,
    host: Term<'a>,
    overseer: Term<'a>,
) -> NifResult<Term<'a>> {
    if parcel::is_small(values) {
        begin(
            env, reference, session, code, &names, values, limits, host, overseer,
        )
    } else {
        Ok(atoms::large().encode(env))
    }
}

/// As `session_start`, for any values. Schedule as for `start_large`.
#[rustler::nif(schedule = "DirtyCpu")]
#[expect(clippy::too_many_arguments, reason = "as for `session_start`")]
fn session_start_large<'a>(
    env: Env<'a>,
    reference: Reference<'a>,
    session: Term<'a>,
    code: Binary<'a>,
    Names(names): Names,
    values: Term<'a>,
    limits: Option<Limits>,
    host: Term<'a>,
    overseer: Term<'a>,
) -> NifResult<Term<'a>> {
    begin(
        env, reference, session, code, &names, values, limits, host, overseer,
    )
}

/// Everything that can be refused is, before the session is lent.
#[expect(clippy::too_many_arguments, reason = "as for `session_start`")]
fn begin<'a>(
    env: Env<'a>,
    reference: Reference<'a>,
    session: Term<'a>,
    code: Binary<'a>,
    names: &[String],
    values: Term<'a>,
    limits: Option<Limits>,
    host: Term<'a>,
    overseer: Term<'a>,
) -> NifResult<Term<'a>> {
    let session = decode(session)?;
    let overseer = overseer::decode_any(overseer)?;
    let (host, lease) = match decode_host(host)? {
        Ok(host) => host,
        Err(refusal) => return Ok(refuse(env, &(atoms::error(), refusal))),
    };
    let terms = &session.0.terms;
    if let Err(failure) = check_source(&code, terms) {
        return Ok(refuse(env, &failure));
    }
    // Before anything is read.
    if let Some(refusal) = Admission::Begin.refusal() {
        return Ok(refuse(env, &refusal));
    }
    let limits = limits.unwrap_or_else(|| terms.limits.clone());
    let (inputs, bytes) = meter::measure(|| {
        let values = decode_inputs(values, names, &limits.bounds())?;
        Ok::<Vec<_>, Failure>(names.iter().cloned().zip(values).collect())
    });
    let lent = inputs.and_then(|inputs| Ok((inputs, session.0.lend()?)));
    let (inputs, lent) = match lent {
        Ok(lent) => lent,
        Err(failure) => return Ok(refuse(env, &failure)),
    };
    let code = Parcel::pack(code);
    let watched_by = overseer.clone();
    let work = move |turn: &Arc<Tether>| {
        let (idle, loan) = lent.begin();
        let (Idle { repl, mut run }, mut meter) = idle.into_parts();
        let bounds = limits.bounds();
        meter.renew(limits.allocations());
        meter.take_over(bytes);
        run.begin(limits, loan, overseer);
        // Not the session's, so read and freed outside its turn.
        let code = code.open(|code| code.decode::<String>().unwrap_or_default());
        let stop = take_turn(turn, meter, run, Duration::ZERO, &host, |run| {
            evaluate(repl, &code, inputs, session.place(), &host, run)
        });
        Turned::new(stop, Shape::Progress, bounds)
    };
    let request = Request {
        admission: Admission::Always,
        lease,
        overseer: watched_by,
        work,
    };
    Ok(turn::submit(env, reference, request))
}

fn check_source(code: &[u8], terms: &Terms) -> Result<(), Failure> {
    if code.len() > terms.max_source_bytes {
        return Err(Failure::new(
            atoms::source_too_large(),
            format!(
                "the source has {} bytes, and :max_source_bytes accepts {}",
                code.len(),
                terms.max_source_bytes
            ),
        ));
    }
    match std::str::from_utf8(code) {
        Ok(_) => Ok(()),
        Err(_) => Err(Failure::invalid_source()),
    }
}

/// The first step of an evaluation.
fn evaluate(
    mut repl: Box<MontyRepl>,
    code: &str,
    inputs: Vec<(String, MontyObject)>,
    place: &Place,
    host: &Host,
    run: &mut Run,
) -> Progress {
    for (_, value) in &inputs {
        run.instances.learn(value);
    }
    *repl.tracker_mut() = run.ledger.limits.tracker();
    let name = repl.next_script_name();
    if name == FIRST_SCRIPT && !place.terms.has_directory {
        repl.set_cwd(&host.default_directory());
    }
    let checked = compiling::check(code, run.ledger.limits.memory())
        .and_then(|()| place.terms.dynamic_code.check(code, &name));
    if let Err(exception) = checked {
        return Err(Ended {
            exception,
            session: Some(repl),
        });
    }
    At::start_evaluation(repl, code, inputs, run.print())
}

/// Whether a session has ended. On a normal scheduler: it reads a word, under a lock that is held for as long.
#[rustler::nif]
fn session_has_ended(session: Term<'_>) -> NifResult<bool> {
    Ok(decode(session)?.place().has_ended())
}

/// The session that the run of a snapshot is an evaluation of. On a normal scheduler: it copies a pointer.
#[rustler::nif]
fn session_of<'a>(env: Env<'a>, snapshot: Term<'a>) -> NifResult<Term<'a>> {
    let snapshot = Snapshot::decode(snapshot)?;
    let Some(pause) = snapshot.look() else {
        return Ok(Failure::consumed().encode(env));
    };
    let place = pause.run.loan.as_ref().and_then(Loan::place);
    Ok(match place {
        Some(place) => (atoms::ok(), Session::new(Arc::clone(place))).encode(env),
        None => Failure::new(
            atoms::no_session(),
            "the run of the snapshot belongs to no session",
        )
        .encode(env),
    })
}
