"""One connection of a script to its proxy, from the request's head to the last byte.

A connection carries one request: a CONNECT tunnel, a plain `http://` request that is passed on, or one for
`hal9.internal`. So the name that was judged is the only one a connection can ever reach.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from sandbox import heads, targets
from sandbox.answering import Answering, Ended
from sandbox.dialer import Dialer, Refused, Unreachable
from sandbox.heads import BadHead, Request
from sandbox.internal import HOST, PORT, Caller, Handler
from sandbox.meter import Caps, Meter, OverCap
from sandbox.peer import Peer, TooLong
from sandbox.relay import relay
from sandbox.targets import BadTarget, Target

log = structlog.get_logger()

_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_NOT_A_PROXY_REQUEST = "This is the way out of the sandbox, an HTTP proxy: ask it with CONNECT or an http:// address"
_INTERNAL = Target(HOST, PORT)


@dataclass(frozen=True, slots=True)
class Way:
    """One run's way out: what its connections share."""

    caller: Caller
    caps: Caps
    meter: Meter
    dialer: Dialer
    trusted: frozenset[Target]
    """Hosts of this run alone that the guard lets through; the policy must allow them too."""
    handler: Handler
    tell: Callable[[str], None]
    """Puts a line before the author."""
    lookups: asyncio.Semaphore
    places: asyncio.Semaphore


async def serve(way: Way, script: Peer) -> None:
    """Serve one connection and close it, whatever happens."""
    exchange = _Exchange(way, script)
    try:
        async with asyncio.timeout(way.caps.connection_seconds):
            await exchange.run()
    except TimeoutError:
        exchange.note("cut", f"it was open for {way.caps.connection_seconds:g} s")
        script.reset()
    except OverCap as error:
        exchange.note("cut", str(error))
        script.reset()
    except OSError:
        script.reset()
    except Exception:
        log.exception("exchange failed", chat=way.caller.chat)
        script.reset()
    finally:
        script.close()


class _Exchange:
    def __init__(self, way: Way, script: Peer) -> None:
        self._way, self._script = way, script
        self._target: Target | None = None

    def note(self, outcome: str, why: str | None = None) -> None:
        """Tell the author in one line. Only names that passed `targets` get into it."""
        if not self._way.meter.is_silent:
            self._way.tell(f"network: {self._target or 'a connection'} {outcome}{f': {why}' if why else ''}")

    async def run(self) -> None:
        try:
            request = await self._head()
            if request is not None:
                await self._answer(request)
        except Ended as end:
            await self._script.say_goodbye(heads.text_answer(end.status, str(end)))

    async def _head(self) -> Request | None:
        """Return the request; None when the script said nothing, or too little for too long."""
        try:
            async with asyncio.timeout(self._way.caps.head_seconds):
                head = await self._script.read_until(b"\r\n\r\n", heads.HEAD_BYTES)
            return heads.read_request(head) if head else None
        except TooLong as error:
            raise Ended(431, f"The head of a request may have {heads.HEAD_BYTES >> 10} KiB") from error
        except BadHead as error:
            raise Ended(400, f"The proxy cannot read this request: {error}") from error
        except TimeoutError as error:
            raise Ended(408, f"The head of a request must come within {self._way.caps.head_seconds:g} s") from error

    async def _answer(self, request: Request) -> None:
        self._check_use()
        try:
            target, path = _asked_for(request)
        except BadTarget as error:
            self.note("refused", str(error))
            raise Ended(400, f"The proxy cannot take this request: {error}") from error
        self._target = target
        _must_have_clear_length(request)
        await self._take_place()
        try:
            await self._pass(request, target, path)
        finally:
            self._way.places.release()

    def _check_use(self) -> None:
        try:
            self._way.meter.check()
        except OverCap as error:
            self.note("refused", str(error))
            self._way.meter.is_silent = True
            raise Ended(429, str(error)) from error

    async def _take_place(self) -> None:
        try:
            async with asyncio.timeout(self._way.caps.wait_seconds):
                await self._way.places.acquire()
        except TimeoutError as error:
            sentence = f"This bot may have {self._way.caps.connections} connections at once, and has them open"
            self.note("refused", sentence)
            raise Ended(429, sentence) from error

    async def _pass(self, request: Request, target: Target, path: str) -> None:
        if target.host == HOST:
            await self._internal(request, target, path)
            return
        self._refuse_by_policy(target)
        upstream = await self._dial(target)
        try:
            if request.method == "CONNECT":
                await self._script.write(_ESTABLISHED)
                await relay(self._script, upstream, self._way.meter, self._way.caps)
            else:
                await self._forward(request, target, path, upstream)
        finally:
            upstream.close()

    def _refuse_by_policy(self, target: Target) -> None:
        policy = self._way.caller.policy
        sentence = policy.refusal(target)
        if sentence is not None:
            self.note("refused", sentence)
            raise Ended(403, f"{sentence}: {target}" if policy.entries else sentence)

    async def _dial(self, target: Target) -> Peer:
        try:
            sock = await self._way.dialer.dial(target, lookups=self._way.lookups, trusted=self._way.trusted)
        except Refused as error:
            self.note("failed" if isinstance(error, Unreachable) else "refused", str(error))
            raise Ended(error.status, f"{error}: {target}") from error
        self.note("allowed")
        return Peer(sock)

    async def _forward(self, request: Request, target: Target, path: str, upstream: Peer) -> None:
        """Pass a plain request on, and its answer back; both connections end with it."""
        authority = targets.bracketed(target.host) if target.port == PORT else str(target)
        head = heads.forwarded_request(request, path, authority)
        await self._way.meter.up(len(head))
        await upstream.write(head)

        async def answer_head() -> None:
            await self._pass_answer_head(target, upstream)

        await relay(self._script, upstream, self._way.meter, self._way.caps, answer_head=answer_head)
        await self._script.linger()

    async def _pass_answer_head(self, target: Target, upstream: Peer) -> None:
        status = 100
        while status < 200:
            try:
                head = await upstream.read_until(b"\r\n\r\n", 2 * heads.HEAD_BYTES)
                answer = heads.read_answer(head)
                if answer.status == 101:  # to another protocol, which we did not ask for
                    raise BadHead("it changes the protocol")
            except (BadHead, TooLong, OSError) as error:
                raise Ended(502, f"The host did not answer in HTTP/1.1: {target}") from error
            status = answer.status
            await self._way.meter.down(len(head))
            await self._script.write(heads.forwarded_answer(answer))

    async def _internal(self, request: Request, target: Target, path: str) -> None:
        if target.port != PORT:
            raise Ended(403, f"{HOST} speaks plain HTTP: write http://{HOST}/")
        if request.method == "CONNECT":  # what some clients do for http:// too
            await self._script.write(_ESTABLISHED)
            inner = await self._head()
            if inner is None:
                return
            _must_have_clear_length(inner)
            request, path = inner, inner.target
        if not path.startswith("/"):
            raise Ended(400, f"A path of {HOST} begins with a slash")
        await Answering(self._way.caller, self._way.handler, self._way.meter, self._script).run(request, path)


def _must_have_clear_length(request: Request) -> None:
    try:
        request.body_bytes()
    except BadHead as error:
        raise Ended(400, f"The proxy cannot take this request: {error}") from error


def _asked_for(request: Request) -> tuple[Target, str]:
    """Return whom a request names and the path to ask for there. Raises: BadTarget."""
    if request.method == "CONNECT":
        return targets.from_authority(request.target), ""
    if request.target.startswith("/"):
        if [host.lower() for host in request.all("host")] == [HOST]:
            return _INTERNAL, request.target
        raise BadTarget(_NOT_A_PROXY_REQUEST)
    return targets.from_url(request.target)
