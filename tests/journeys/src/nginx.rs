//! An nginx of one's own in front of the API, as strict as those that stand there in production.
//!
//! It takes bodies of a mebibyte at most, and gives up what is silent for a minute.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::ports::free_address;
use crate::processes::Process;

/// Where Debian keeps servers, which only root's PATH names.
const SERVERS: [&str; 2] = ["/usr/sbin", "/usr/local/sbin"];

/// How long it may take to start.
const START: Duration = Duration::from_secs(60);

/// The server.
#[derive(Debug)]
pub struct Nginx {
    address: SocketAddr,
    _process: Process,
}

impl Nginx {
    /// An installed one, if there is any.
    pub fn installed() -> Option<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let directories = std::env::split_paths(&path).chain(SERVERS.map(PathBuf::from));
        directories
            .map(|directory| directory.join("nginx"))
            .find(|program| program.is_file())
    }

    /// One in front of `upstream`, with its files in `directory`. It takes connections when this
    /// returns.
    pub async fn start(program: &Path, directory: &Path, upstream: SocketAddr) -> anyhow::Result<Self> {
        let address = free_address()?;
        let file = directory.join("nginx.conf");
        std::fs::write(&file, configuration(directory, address, upstream))?;
        let mut command = Command::new(program);
        command.arg("-c").arg(&file).arg("-p").arg(directory);
        let mut process = Process::start(command, directory.join("nginx.log"));
        process.wait_until_ready(START, address, "/livez").await;
        Ok(Self {
            address,
            _process: process,
        })
    }

    /// The URL in front of what it stands for.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

fn configuration(directory: &Path, address: SocketAddr, upstream: SocketAddr) -> String {
    let directory = directory.display();
    format!(
        "daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log stderr warn;
events {{}}
http {{
    access_log off;
    client_body_temp_path {directory}/bodies;
    proxy_temp_path {directory}/answers;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    client_max_body_size 1m;
    client_header_timeout 60s;
    client_body_timeout 60s;
    send_timeout 60s;
    keepalive_timeout 60s;
    proxy_connect_timeout 60s;
    proxy_send_timeout 60s;
    proxy_read_timeout 60s;
    server {{
        listen {address};
        location / {{
            proxy_pass http://{upstream};
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
        }}
    }}
}}
"
    )
}
