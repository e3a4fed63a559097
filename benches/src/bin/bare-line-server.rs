//! The physical limit that other servers are held against: it reads lines, and answers each with the
//! same line of `--reply-bytes`, its line end included. It parses nothing and looks nothing up.

use std::rc::Rc;

use clap::Parser;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{LocalSet, spawn_local};

/// The most requests that are answered with one write.
const BATCH_MAX: usize = 8192;

#[derive(Parser)]
struct Arguments {
    /// Where to listen.
    listen: String,
    /// The length of each reply.
    #[arg(long, default_value_t = 229)]
    reply_bytes: usize,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let Arguments { listen, reply_bytes } = Arguments::parse();
    let listener = TcpListener::bind(listen).await?;
    let mut reply = vec![b'x'; reply_bytes];
    reply.extend_from_slice(b"\n");
    reply.drain(..1);
    let replies: Rc<[u8]> = reply.repeat(BATCH_MAX).into();
    LocalSet::new()
        .run_until(async {
            loop {
                let (socket, _) = listener.accept().await?;
                socket.set_nodelay(true)?;
                spawn_local(answer(socket, Rc::clone(&replies), reply_bytes));
            }
        })
        .await
}

/// Answers until the client closes or the connection breaks.
async fn answer(mut socket: TcpStream, replies: Rc<[u8]>, reply_bytes: usize) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = socket.read(&mut buffer).await {
        let asked = memchr::memchr_iter(b'\n', buffer.get(..read).unwrap_or_default()).count();
        let bytes = asked.min(BATCH_MAX).saturating_mul(reply_bytes);
        if socket.write_all(replies.get(..bytes).unwrap_or_default()).await.is_err() {
            return;
        }
    }
}
