#!/usr/bin/env python3
"""comoq's WebTransport against a browser.

    python3 chromium.py PROGRAM [CHROMIUM]

PROGRAM is the server of this directory that answers with what it gets. A page in headless Chromium opens sessions there, knows its
certificate by the hash, and tries streams of both kinds, their resets, datagrams, refusals and both ways to close. Exit code: 0
all went well, 1 not, 77 there is no browser.
"""
import http.server
import json
import shutil
import subprocess
import sys
import tempfile
import threading

PATIENCE = 60

PAGE = """<!doctype html><title>WebTransport</title><script type="module">
const port = PORT, hash = Uint8Array.from('HASH'.match(/../g).map((digits) => parseInt(digits, 16)));
const open = (path, more) => new WebTransport(`https://127.0.0.1:${port}${path}`,
    {serverCertificateHashes: [{algorithm: 'sha-256', value: hash}], ...more});
const all = async (readable) => new Uint8Array(await new Response(readable).arrayBuffer());
const text = (bytes) => new TextDecoder().decode(bytes);
const bytes = (string) => new TextEncoder().encode(string);
const write = async (stream, data) => { const writer = stream.getWriter(); await writer.write(data); await writer.close(); };
const results = {};
const check = async (name, test) => {
    try { results[name] = await test() ?? 'well'; } catch (error) { results[name] = `failed: ${error}`; }
};
await check('ready', async () => {
    const session = open('/', {protocols: ['first', 'second']});
    await session.ready;
    const protocol = session.protocol;
    await check('bidi', async () => {
        const stream = await session.createBidirectionalStream();
        const large = new Uint8Array(1000000).map((_, i) => i * 7);
        const reading = all(stream.readable);
        await write(stream.writable, large);
        const back = await reading;
        if (back.length !== large.length || back.some((each, i) => each !== large[i])) throw 'other bytes';
    });
    await check('uni', async () => {
        const incoming = session.incomingUnidirectionalStreams.getReader();
        for (let i = 0; i < 300; ++i) {
            await write(await session.createUnidirectionalStream(), bytes(`number ${i}`));
            const {value} = await incoming.read();
            if (text(await all(value)) !== `number ${i}`) throw 'another text';
        }
    });
    await check('reset', async () => {
        const stream = await session.createBidirectionalStream();
        const writer = stream.writable.getWriter();
        await writer.write(bytes('reset'));
        try { await stream.readable.getReader().read(); return 'no reset'; } catch (error) { return `code ${error.streamErrorCode}`; }
    });
    await check('datagrams', async () => {
        const writer = session.datagrams.writable.getWriter(), reader = session.datagrams.readable.getReader();
        await writer.write(bytes('datagram'));
        const {value} = await reader.read();
        if (text(value) !== 'datagram') throw 'another datagram';
    });
    session.close({closeCode: 9, reason: 'leaving'});
    await session.closed;
    return `protocol ${protocol}`;
});
await check('refused', async () => {
    const session = open('/refuse');
    session.closed.catch(() => {});
    try { await session.ready; return 'accepted'; } catch { return 'well'; }
});
await check('closed', async () => {
    const session = open('/close');
    await session.ready;
    await session.createBidirectionalStream().then((stream) => write(stream.writable, bytes('x'))).catch(() => {});
    const {closeCode, reason} = await session.closed;
    return `${closeCode} ${reason}`;
});
await fetch('/', {method: 'POST', body: JSON.stringify(results)});
</script>"""

WANTED = {"ready": ["protocol first", "protocol undefined", "protocol "], "bidi": ["well"], "uni": ["well"], "reset": ["code 13"],
          "datagrams": ["well"], "refused": ["well"], "closed": ["7 bye"]}


def main():
    browser = sys.argv[2] if len(sys.argv) > 2 else shutil.which("chromium")
    if not browser:
        print("there is no Chromium")
        return 77
    server = subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    port, fingerprint = server.stdout.readline().split()
    digits = "".join(each for each in fingerprint.removeprefix("sha256:") if each in "0123456789abcdefABCDEF")
    page = PAGE.replace("PORT", port, 1).replace("HASH", digits, 1).encode()
    results = {}
    done = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(page if self.path == "/" else b"")

        def do_POST(self):
            results.update(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()
            done.set()

        def log_message(self, *_):
            pass

    pages = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=pages.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as profile:
        chromium = subprocess.Popen(
            [browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync", f"--user-data-dir={profile}", f"http://127.0.0.1:{pages.server_port}/"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        done.wait(PATIENCE)
        chromium.terminate()
        chromium.wait()
    pages.shutdown()
    text, _ = server.communicate("\n", timeout=10)
    print(json.dumps(results), text.strip(), sep="\n")
    wrong = [name for name, wanted in WANTED.items() if results.get(name) not in wanted]
    if "(leaving)" not in text or "with 9" not in text:
        wrong.append("the server does not know how the page closed its session")
    print("wrong: " + ", ".join(wrong) if wrong else "all went well")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
