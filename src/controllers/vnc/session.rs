//! An RFB session: let in, then pictures as they come and input as it is asked for. A session asks for
//! the next update when it has told of the last one, so that a machine that draws much costs no more
//! than the frames that are looked at; frames that nobody took become one.

use std::collections::{BTreeSet, VecDeque};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::ExposeSecret as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep_until, timeout};
use vnc::{
    DesktopReason, DesktopStatus, PixelFormat, VncClient, VncConnector, VncEncoding, VncError, VncEvent, X11Event,
};

use super::error::{security_names, words};
use super::frame::{Area, Canvas, Frame, merge};
use super::keys::{self, KeyEvent};
use super::tap::{Beginning, Tap};
use super::{Error, Input, Options, Refused};

/// Inputs that wait for the session's task.
const INPUTS: usize = 256;
/// Keys that wait to be sent; a machine takes about a hundred a second.
const MOST_KEYS: usize = 40_000;
/// Keys that are sent without a pause, and the pause between later ones: QEMU passes one on every
/// 10 ms and keeps 1024.
const BURST: u32 = 256;
const KEY_EVERY: Duration = Duration::from_millis(10);
/// How long one message may take to go out.
const SEND: Duration = Duration::from_secs(10);
/// How long rectangles are gathered before a frame is told of.
const GATHER: Duration = Duration::from_millis(4);
/// How long an unanswered request stands before it is made again.
const ASK_AGAIN: Duration = Duration::from_secs(5);
/// The longest clipboard either way, bytes.
const MOST_TEXT: usize = 256 * 1024;

/// What happened since the last time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct News {
    /// The picture, if it changed.
    pub frame: Option<Frame>,
    /// Text that the machine put into its clipboard; as it came, for whoever shows it to sanitise.
    pub clipboard: Option<String>,
    /// How often it rang.
    pub bells: u32,
    /// Why a size that was asked for was not taken.
    pub declined: Option<String>,
}

#[derive(Debug, Default)]
struct Pending {
    news: News,
    end: Option<Error>,
}

#[derive(Debug, Default)]
struct Shared {
    pending: Mutex<Pending>,
    news: Notify,
    view_only: AtomicBool,
    keys: AtomicUsize,
}

impl Shared {
    fn tell(&self, change: impl FnOnce(&mut Pending)) {
        change(&mut self.pending.lock().unwrap_or_else(PoisonError::into_inner));
        self.news.notify_one();
    }
}

/// A session. Dropped, it ends.
#[derive(Debug)]
pub struct Session {
    name: String,
    shared: Arc<Shared>,
    inputs: mpsc::Sender<Input>,
    _task: AbortOnDrop,
}

#[derive(Debug)]
struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Ends a session however its task ends, also in a panic: nobody waits for news that cannot come.
struct Over<'a>(&'a Shared);

impl Over<'_> {
    fn because(self, end: Error) {
        self.0.tell(|pending| pending.end = Some(end));
    }
}

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.tell(|pending| {
            pending.end.get_or_insert_with(|| Error::Nonsense("something that its session died of".to_owned()));
        });
    }
}

impl Session {
    fn start(
        name: String,
        shared: Arc<Shared>,
        inputs: mpsc::Sender<Input>,
        run: impl Future<Output = Error> + Send + 'static,
    ) -> Self {
        let ours = shared.clone();
        let task = tokio::spawn(async move {
            let over = Over(&ours);
            over.because(run.await);
        });
        Self { name, shared, inputs, _task: AbortOnDrop(task) }
    }

    /// Name of the desktop, as the server says it, sanitised.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Waits until something happened. Frames that came meanwhile are one. May be dropped and called
    /// again without losing anything.
    ///
    /// # Errors
    /// When the session is over, after what came before.
    pub async fn next(&mut self) -> Result<News, Error> {
        loop {
            {
                let mut pending = self.shared.pending.lock().unwrap_or_else(PoisonError::into_inner);
                let news = std::mem::take(&mut pending.news);
                if news != News::default() {
                    return Ok(news);
                }
                if let Some(end) = &pending.end {
                    return Err(end.clone());
                }
            }
            self.shared.news.notified().await;
        }
    }

    /// Sends an input; does not wait.
    ///
    /// # Errors
    /// See [`Refused`].
    pub fn send(&self, input: Input) -> Result<(), Refused> {
        if self.view_only() {
            return Err(Refused::ViewOnly);
        }
        if let Input::Type(text) | Input::Clipboard(text) = &input
            && (text.len() > MOST_TEXT || self.shared.keys.load(Ordering::Relaxed) + text.len() > MOST_KEYS)
        {
            return Err(Refused::Full);
        }
        if let Input::Combination(name) = &input
            && keys::combination(name).is_none()
        {
            return Err(Refused::NoKey(words(name)));
        }
        self.inputs.try_send(input).map_err(|e| match e {
            mpsc::error::TrySendError::Full(_) => Refused::Full,
            mpsc::error::TrySendError::Closed(_) => Refused::Closed,
        })
    }

    /// Whether no input is sent.
    #[must_use]
    pub fn view_only(&self) -> bool {
        self.shared.view_only.load(Ordering::Acquire)
    }

    /// From now on input is sent, or not. What waits to be typed is dropped with the control.
    pub fn set_view_only(&self, on: bool) {
        self.shared.view_only.store(on, Ordering::Release);
    }
}

/// Opens a session on a stream that leads to a VNC server.
///
/// # Errors
/// See [`Error`]: nothing there, no VNC server, a login that is not supported or not taken.
pub async fn connect<S>(stream: S, options: Options) -> Result<Session, Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + Sync + 'static,
{
    let patience = options.patience;
    let (view_only, pace) = (options.view_only, options.frame);
    // A task, so that a panic of the library is an error here.
    let mut handshake = AbortOnDrop(tokio::spawn(async {}));
    let (sender, receiver) = tokio::sync::oneshot::channel();
    handshake.0 = tokio::spawn(async move {
        let _ = sender.send(shake_hands(stream, options).await);
    });
    let (client, name) = match timeout(patience, receiver).await {
        Ok(Ok(done)) => done?,
        Ok(Err(_)) => return Err(Error::Nonsense("a beginning that no VNC server makes".to_owned())),
        Err(_) => return Err(Error::Silent(patience)),
    };
    let shared = Arc::new(Shared { view_only: AtomicBool::new(view_only), ..Shared::default() });
    let (inputs, receiver) = mpsc::channel(INPUTS);
    let ours = shared.clone();
    let run = async move {
        let end = Run::new(&client, &ours, pace).run(receiver).await;
        let _ = client.close().await;
        end
    };
    Ok(Session::start(name, shared, inputs, run))
}

/// Reads the greeting: it tells a server from a tunnel that leads nowhere.
async fn greeting<S: AsyncRead + Unpin>(stream: &mut S) -> Result<[u8; 12], Error> {
    let mut hello = [0; 12];
    let mut length = 0;
    while let Some(room) = hello.get_mut(length..).filter(|room| !room.is_empty()) {
        let read = stream.read(room).await.map_err(|e| Error::Broken(words(&e.to_string())))?;
        length += read;
        let said = hello.get(..length).unwrap_or(&[]);
        let like = said.iter().zip(b"RFB ddd.ddd\n").all(|(byte, form)| match form {
            b'd' => byte.is_ascii_digit(),
            form => byte == form,
        });
        match (read, length) {
            (0, 0) => return Err(Error::Nothing),
            _ if read == 0 || !like => return Err(Error::NotVnc(words(&String::from_utf8_lossy(said)))),
            _ => {}
        }
    }
    Ok(hello)
}

type Password = Pin<Box<dyn Future<Output = Result<String, VncError>> + Send + Sync>>;

async fn shake_hands<S>(mut stream: S, options: Options) -> Result<(VncClient, String), Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + Sync + 'static,
{
    let hello = greeting(&mut stream).await?;
    let (tap, heard) = Tap::new(stream, &hello);
    let has_password = options.password.is_some();
    let mut connector =
        VncConnector::<_, Password>::new(tap).allow_shared(options.shared).set_pixel_format(PixelFormat::bgra());
    if let Some(password) = options.password {
        connector = connector.set_auth_method(Box::pin(async move { Ok(password.expose_secret().to_owned()) }));
    }
    let pictures =
        if options.near { [VncEncoding::Raw, VncEncoding::Zrle] } else { [VncEncoding::Zrle, VncEncoding::Raw] };
    let rest = [
        VncEncoding::CopyRect,
        VncEncoding::CursorPseudo,
        VncEncoding::ExtendedDesktopSizePseudo,
        VncEncoding::DesktopSizePseudo,
        VncEncoding::LastRectPseudo,
    ];
    for encoding in pictures.into_iter().chain(rest) {
        connector = connector.add_encoding(encoding);
    }
    let started = match connector.build() {
        Ok(state) => state.try_start().await,
        Err(e) => Err(e),
    };
    let client = started.and_then(vnc::client::connector::VncState::finish);
    let beginning = Beginning::of(&heard.bytes());
    let client = client.map_err(|e| not_let_in(&e, &beginning.security, has_password))?;
    heard.open();
    Ok((client, beginning.name.map(|name| words(&name)).unwrap_or_default()))
}

fn not_let_in(error: &VncError, offered: &[u8], has_password: bool) -> Error {
    let supported = offered.contains(&1) || offered.contains(&2);
    let asked = offered.contains(&2) && !offered.contains(&1);
    match error {
        VncError::NoPassword => Error::NoPassword,
        VncError::WrongPassword => Error::WrongPassword,
        VncError::General(why) if asked && has_password && why.to_ascii_lowercase().contains("auth") => {
            Error::WrongPassword
        }
        _ if !supported && !offered.is_empty() && !offered.starts_with(&[0]) => {
            Error::Security(security_names(offered))
        }
        VncError::General(why) => Error::Refused(words(why)),
        VncError::IoError(e)
            if matches!(
                e.kind(),
                io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
            ) =>
        {
            Error::Closed
        }
        VncError::IoError(e) => Error::Broken(words(&e.to_string())),
        other => Error::Nonsense(words(&other.to_string())),
    }
}

/// The task of a session.
struct Run<'a> {
    client: &'a VncClient,
    shared: &'a Shared,
    /// Least time between two frames.
    pace: Duration,
    canvas: Canvas,
    /// When the next frame may be told of and asked for; `None` while the server has to speak first.
    due: Option<Instant>,
    last: Instant,
    /// Asked for and not seen yet, since then.
    asked: Instant,
    keys: VecDeque<KeyEvent>,
    /// Keys that are down, by keysym, and where the pointer is while buttons are.
    down: BTreeSet<u32>,
    dragged: Option<(u16, u16)>,
    /// Keys that may be sent now, and when that was counted.
    credit: u32,
    counted: Instant,
    resizes: (mpsc::Sender<String>, mpsc::Receiver<String>),
}

impl<'a> Run<'a> {
    fn new(client: &'a VncClient, shared: &'a Shared, pace: Duration) -> Self {
        let now = Instant::now();
        Self {
            client,
            shared,
            pace,
            canvas: Canvas::default(),
            due: None,
            last: now,
            asked: now,
            keys: VecDeque::new(),
            down: BTreeSet::new(),
            dragged: None,
            credit: BURST,
            counted: now,
            resizes: mpsc::channel(4),
        }
    }

    async fn run(mut self, mut inputs: mpsc::Receiver<Input>) -> Error {
        loop {
            let due = self.due.unwrap_or(self.asked + ASK_AGAIN);
            let typing = self.counted + KEY_EVERY;
            let done = tokio::select! {
                event = self.client.recv_event() => match event {
                    Ok(event) => self.event(event),
                    Err(_) => Err(Error::Closed),
                },
                () = sleep_until(due) => self.frame().await,
                () = sleep_until(typing), if !self.keys.is_empty() => self.type_on().await,
                Some(why) = self.resizes.1.recv() => {
                    self.shared.tell(|pending| pending.news.declined = Some(why));
                    Ok(())
                }
                input = inputs.recv() => match input {
                    Some(input) => self.input(input).await,
                    None => Err(Error::Closed),
                },
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    fn event(&mut self, event: VncEvent) -> Result<(), Error> {
        match event {
            VncEvent::SetResolution(screen) => {
                self.touch();
                self.canvas.resize(screen.width.into(), screen.height.into());
            }
            VncEvent::DesktopUpdate(update) => {
                if let Some(layout) = update.layout {
                    self.touch();
                    self.canvas.resize(layout.width.into(), layout.height.into());
                }
                if update.reason == DesktopReason::ThisClient && update.status != DesktopStatus::Success {
                    self.shared.tell(|p| p.news.declined = Some("the machine does not change its size".to_owned()));
                }
            }
            VncEvent::RawImage(rect, pixels) => {
                self.touch();
                self.canvas.draw(area(rect), &pixels);
            }
            VncEvent::Copy(to, from) => {
                self.touch();
                self.canvas.copy(area(to), area(from));
            }
            VncEvent::SetCursor(rect, pixels) => {
                self.touch();
                self.canvas.point(area(rect), &pixels);
            }
            VncEvent::Text(text) => {
                let text: String = text.chars().take(MOST_TEXT).collect();
                self.shared.tell(|pending| pending.news.clipboard = Some(text));
            }
            VncEvent::Bell => self.shared.tell(|pending| pending.news.bells = pending.news.bells.saturating_add(1)),
            VncEvent::Error(why) => {
                let nonsense = ["decoded", "message", "size", "pixel"].iter().any(|word| why.contains(word));
                return Err(if nonsense { Error::Nonsense(words(&why)) } else { Error::Broken(words(&why)) });
            }
            _ => {}
        }
        Ok(())
    }

    /// Something is about to be drawn: a frame is due soon, and one that nobody took is taken back, so
    /// that its pixels need not be copied.
    fn touch(&mut self) {
        if self.due.is_none() {
            self.due = Some((self.last + self.pace).max(Instant::now() + GATHER));
        }
        let untaken = self.shared.pending.lock().unwrap_or_else(PoisonError::into_inner).news.frame.take();
        if let Some(frame) = untaken {
            self.canvas.take_back(frame);
        }
    }

    /// Tells of what was drawn and asks for more.
    async fn frame(&mut self) -> Result<(), Error> {
        // What has come already belongs to it, up to a time.
        let until = Instant::now() + self.pace;
        while let Ok(Some(event)) = self.client.poll_event().await {
            self.event(event)?;
            if Instant::now() > until {
                break;
            }
        }
        self.due = None;
        self.last = Instant::now();
        self.asked = self.last;
        if let Some(frame) = self.canvas.frame() {
            self.shared.tell(|pending| pending.news.frame = Some(frame));
        }
        self.message(X11Event::Refresh).await
    }

    async fn message(&self, event: X11Event) -> Result<(), Error> {
        match timeout(SEND, self.client.input(event)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Error::Closed),
            Err(_) => Err(Error::Stuck),
        }
    }

    async fn input(&mut self, input: Input) -> Result<(), Error> {
        match input {
            Input::Stroke(stroke) => self.keys.extend(keys::events(stroke)),
            // What is none was refused when it was sent.
            Input::Combination(name) => self.keys.extend(keys::combination(&name).unwrap_or_default()),
            Input::Key(key) => self.keys.push_back(key),
            Input::Type(text) => self.keys.extend(keys::typed(&text)),
            Input::Pointer { x, y, buttons } => {
                let (width, height) = self.canvas.size();
                let within = |at: u16, size: u32| at.min(u16::try_from(size.saturating_sub(1)).unwrap_or(u16::MAX));
                let (x, y) = (within(x, width), within(y, height));
                self.dragged = (buttons.0 != 0).then_some((x, y));
                self.message(X11Event::PointerEvent((x, y, buttons.0).into())).await?;
            }
            Input::LetGo => {
                self.keys.clear();
                self.keys.extend(self.down.iter().map(|keysym| KeyEvent { keysym: *keysym, down: false }));
                if let Some((x, y)) = self.dragged.take() {
                    self.message(X11Event::PointerEvent((x, y, 0).into())).await?;
                }
            }
            Input::Clipboard(text) => self.message(X11Event::CopyText(text)).await?,
            Input::Size { width, height } => {
                let (client, told) = (self.client.clone(), self.resizes.0.clone());
                // Waits for the server's word, which comes through this task.
                tokio::spawn(async move {
                    if let Err(e) = client.resize_desktop(width, height).await {
                        let _ = told.try_send(words(&e.to_string()));
                    }
                });
            }
        }
        self.type_on().await
    }

    /// Sends keys as far as the machine can be expected to take them.
    async fn type_on(&mut self) -> Result<(), Error> {
        let earned = self.counted.elapsed().as_millis() / KEY_EVERY.as_millis().max(1);
        if earned > 0 {
            self.credit = self.credit.saturating_add(u32::try_from(earned).unwrap_or(BURST)).min(BURST);
            self.counted = Instant::now();
        }
        if self.shared.view_only.load(Ordering::Acquire) {
            // What is down goes up all the same.
            self.keys.retain(|key| !key.down);
        }
        while self.credit > 0 {
            let Some(key) = self.keys.pop_front() else { break };
            self.credit -= 1;
            if key.down {
                self.down.insert(key.keysym);
            } else {
                self.down.remove(&key.keysym);
            }
            self.message(X11Event::KeyEvent((key.keysym, key.down).into())).await?;
        }
        self.shared.keys.store(self.keys.len(), Ordering::Relaxed);
        Ok(())
    }
}

fn area(rect: vnc::Rect) -> Area {
    Area { x: rect.x.into(), y: rect.y.into(), width: rect.width.into(), height: rect.height.into() }
}

impl Canvas {
    /// A frame that nobody took: its damage belongs to the next one.
    fn take_back(&mut self, frame: Frame) {
        let Frame { damage, .. } = frame;
        self.untold(|all| {
            for area in damage {
                merge(all, area);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_session_whose_task_dies_is_over() {
        async fn dies() -> Error {
            tokio::task::yield_now().await;
            panic!("as a library may")
        }
        let mut session = Session::start(String::new(), Arc::default(), mpsc::channel(1).0, dies());
        let end = timeout(Duration::from_secs(20), session.next()).await.expect("nobody waits for it");
        assert!(matches!(end, Err(Error::Nonsense(_))), "{end:?}");
    }
}
