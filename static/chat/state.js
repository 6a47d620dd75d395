/**
 * What the frames of a chat add up to. Pure: no page, no socket, no clock.
 */
import { Text } from "./text.js"
/** @import { ChatState, End, Frame, Item, Outgoing, Phase, Reply, Source } from "./types.js" */

const SOURCES = 64

/** @type {ChatState} */
export const EMPTY = {
  seq: 0,
  known: 0,
  phase: "starting",
  run: 0,
  prompt: "",
  items: [],
  outbox: [],
  turn: { isAnswered: false, hasPrompt: false, startedAt: null },
  joining: "",
}

/**
 * The state after one frame from the server. A frame that was seen before changes nothing.
 * @param {ChatState} state
 * @param {Frame} frame
 * @param {number} at milliseconds, to time a turn
 * @returns {ChatState}
 */
export function receive(state, frame, at) {
  const isNumbered = frame.seq !== undefined && frame.kind !== "hello"
  if (isNumbered && Number(frame.seq) <= state.seq) return state
  const apply = FRAMES[frame.kind]
  const next = apply ? apply(state, frame, at) : state
  return isNumbered ? { ...next, seq: Number(frame.seq) } : next
}

/**
 * A message leaves the box, or is tried again with the same id: it goes to the end of the line.
 * @param {ChatState} state
 * @param {{id: string, text: string}} message
 * @returns {ChatState}
 */
export function send(state, { id, text }) {
  const others = state.outbox.filter((message) => message.id !== id)
  return { ...state, outbox: [...others, { id, text, status: "pending", refusal: "" }] }
}

/**
 * A message is taken back before anybody read it.
 * @param {ChatState} state
 * @param {string} id
 * @returns {ChatState}
 */
export function withdraw(state, id) {
  return { ...state, outbox: state.outbox.filter((message) => message.id !== id) }
}

/** @param {ChatState} state */
export function isBusy(state) {
  return state.phase === "running" || state.phase === "starting" || state.outbox.some((message) => message.status !== "refused")
}

/** @param {ChatState} state @param {Frame} frame */
const isReplay = (state, frame) => Number(frame.seq) <= state.known

/** @type {Record<string, (state: ChatState, frame: Frame, at: number) => ChatState>} */
const FRAMES = {
  // `hello` says how things are now; replayed frames only tell how they came to be so, and leave the phase alone.
  hello: (state, frame) => ({ ...state, known: frame.seq ?? 0, phase: frame.state }),

  accepted: (state, { id }) => mark(state, id, { status: "accepted", refusal: "" }),

  refused: (state, { id, text }) => mark(state, id, { status: "refused", refusal: text || "The bot did not take this." }),

  start(state, frame, at) {
    const sealed = seal(state, frame, at)
    const items = frame.by === "message" ? sealed.items : divided(sealed.items, frame)
    const turn = frame.by === "message" ? sealed.turn : openTurn(state, frame, at)
    return enter({ ...sealed, items, turn, run: state.run + 1 }, frame, "running")
  },

  input(state, frame, at) {
    const text = state.joining + frame.text
    if (frame.more) return { ...state, joining: text }
    const sealed = seal(state, frame, at)
    const person = { kind: /** @type {const} */ ("person"), key: frame.id, id: frame.id, text }
    const taken = { ...withdraw(sealed, frame.id), items: [...sealed.items, person] }
    return enter({ ...taken, joining: "", turn: openTurn(state, frame, at) }, frame, "running")
  },

  output(state, frame) {
    return write(state, frame, (reply) => ({
      ...reply,
      text: reply.text.plus(frame.text.replaceAll("\f", "\n")), // the newlines of a message reach input() as \f
      sources: joinSources(reply.sources, frame.src),
    }))
  },

  prompt(state, frame) {
    const prompt = state.joining + frame.text
    if (frame.more) return { ...state, joining: prompt }
    const asked = { ...state, joining: "", prompt, turn: { ...state.turn, hasPrompt: true } }
    // "> " only marks the line where one types in a terminal.
    if (!/[\p{L}\p{N}]/u.test(prompt)) return asked
    return write(asked, frame, (reply) => ({ ...reply, text: reply.text.plus(apart(reply.text, prompt)) }))
  },

  waiting(state, frame, at) {
    const answered = settle(state, frame, at, {})
    const prompt = state.turn.hasPrompt ? state.prompt : ""
    return enter({ ...answered, prompt, turn: { ...state.turn, isAnswered: true } }, frame, "waiting")
  },

  file(state, frame) {
    const card = { name: frame.name, url: frame.url, type: frame.type ?? "", bytes: frame.bytes }
    return write(state, frame, (reply) => ({
      ...reply,
      files: [...reply.files.filter((file) => file.name !== card.name), card],
    }))
  },

  end(state, frame, at) {
    const place = placeInTurn(state)
    const ended = settle(state, frame, at, place === "during" && frame.reason === "stopped" ? { isStopped: true } : {})
    const items = [...ended.items, endOf(frame, place, state.items.length === 0)]
    return enter({ ...ended, items, turn: { ...ended.turn, isAnswered: true } }, frame, "ended")
  },

  gap(state, frame) {
    const last = state.items.at(-1)
    const before = last?.kind === "reply" ? [...state.items.slice(0, -1), { ...last, isCut: true, isLive: false }] : state.items
    return { ...state, joining: "", items: [...before, { kind: "gap", key: `gap-${frame.seq}` }] }
  },
}

/**
 * @param {ChatState} state
 * @param {Frame} frame
 * @param {Phase} phase
 */
function enter(state, frame, phase) {
  return isReplay(state, frame) ? state : { ...state, phase }
}

/**
 * @param {ChatState} state
 * @param {string} id
 * @param {Partial<Outgoing>} changes
 */
function mark(state, id, changes) {
  return { ...state, outbox: state.outbox.map((message) => (message.id === id ? { ...message, ...changes } : message)) }
}

/**
 * @param {ChatState} state
 * @param {Frame} frame
 * @param {number} at
 */
function openTurn(state, frame, at) {
  return { isAnswered: false, hasPrompt: false, startedAt: isReplay(state, frame) ? null : at }
}

/**
 * Writes into the reply of the open turn, which begins with the first thing that the bot says.
 * @param {ChatState} state
 * @param {Frame} frame
 * @param {(reply: Reply) => Reply} change
 * @returns {ChatState}
 */
function write(state, frame, change) {
  const last = state.items.at(-1)
  const isRunning = state.phase === "running" || state.phase === "starting"
  if (last?.kind === "reply" && !last.isCut) {
    return { ...state, items: [...state.items.slice(0, -1), change({ ...last, isLive: isRunning })] }
  }
  const key = `reply-${frame.seq}`
  return { ...state, items: [...state.items, change({ ...BLANK, key, isLive: isRunning })] }
}

/** @type {Reply} */
const BLANK = {
  kind: "reply",
  key: "",
  text: new Text(),
  sources: [],
  files: [],
  isLive: true,
  isCut: false,
  isStopped: false,
  seconds: null,
}

/**
 * A question below other lines is a paragraph of its own; one that ends an unfinished line stays on it.
 * @param {Text} text
 * @param {string} prompt
 */
function apart(text, prompt) {
  const isBelow = text.end > 0 && text.since(text.end - 1).text === "\n"
  return isBelow ? `\n${prompt}` : prompt
}

/**
 * The turn is answered: its reply is no longer being written.
 * @param {ChatState} state
 * @param {Frame} frame
 * @param {number} at
 * @param {Partial<Reply>} changes
 * @returns {ChatState}
 */
function settle(state, frame, at, changes) {
  const last = state.items.at(-1)
  if (last?.kind !== "reply") return state
  const startedAt = isReplay(state, frame) ? null : state.turn.startedAt
  const seconds = last.seconds ?? (startedAt === null ? null : (at - startedAt) / 1000)
  const settled = { ...last, isLive: false, seconds, ...changes }
  return { ...state, items: [...state.items.slice(0, -1), settled] }
}

/**
 * The next turn begins, so what was still being written belongs to the last one.
 * @param {ChatState} state
 * @param {Frame} frame
 * @param {number} at
 */
function seal(state, frame, at) {
  return { ...settle(state, frame, at, {}), joining: "" }
}

/**
 * A line across the log where a person started the program anew. What it ended on the way there needs no word of its own.
 * @param {Item[]} items
 * @param {Frame} frame
 * @returns {Item[]}
 */
function divided(items, frame) {
  const last = items.at(-1)
  const before = last?.kind === "end" && last.reason === "stopped" && last.place === "after" ? items.slice(0, -1) : items
  return before.length > 0 ? [...before, { kind: "divider", key: `start-${frame.seq}`, by: frame.by }] : before
}

/** @param {ChatState} state @returns {End["place"]} */
function placeInTurn(state) {
  if (state.turn.isAnswered) return "after"
  const last = state.items.at(-1)
  return last?.kind === "reply" || last?.kind === "gap" ? "during" : "before"
}

/** @param {Frame} frame @param {End["place"]} place @param {boolean} isFirst @returns {End} */
function endOf(frame, place, isFirst) {
  return {
    kind: "end",
    key: `end-${frame.seq}`,
    seq: frame.seq ?? 0,
    reason: frame.reason,
    exitStatus: frame.exit_status ?? null,
    error: frame.error ?? null,
    place,
    isFirst,
  }
}

/**
 * @param {Source[]} known
 * @param {[number, string | null, number | null][] | undefined} found
 */
function joinSources(known, found = []) {
  let all = known
  for (const [, file, line] of found) {
    if (file === null || line === null || all.length >= SOURCES) continue
    const isKnown = all.some((source) => source.file === file && source.line === line)
    if (!isKnown) all = [...all, { file, line }]
  }
  return all
}
