"""comoq_interop_runner at the relays of others, by QUIC and WebTransport, on each draft."""
import asyncio

DRAFTS = ("18", "20", "22")
PATIENCE = 300


async def _faults(client, url, draft, cases):
    """What it says of the cases that fail, which it plays one after the other."""
    said = ""
    for case in cases:
        process = await asyncio.create_subprocess_exec(
            client, "--relay", url, "--draft", draft, "--test", case, "--slow", "100", "--tls-disable-verify",
            stdout=asyncio.subprocess.PIPE)
        try:
            out, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
        finally:
            if process.returncode is None:
                process.kill()
        if process.returncode != 0:
            said += f"{case}: exit code {process.returncode}\n{out.decode()}"
    return said


async def play_all(client, port, cases, where):
    """True if all went well; it prints a line for each scheme and draft."""
    ways = [(scheme, draft) for scheme in ("moqt", "https") for draft in DRAFTS]
    outcomes = await asyncio.gather(*(_faults(client, f"{scheme}://127.0.0.1:{port}", draft, cases) for scheme, draft in ways))
    for (scheme, draft), faults in zip(ways, outcomes):
        print(f"{'FAILED ' if faults else 'ok     '} {len(cases)} cases of the interop runner at {where}, {scheme}, draft {draft}")
        print(faults, end="")
    return not any(outcomes)
