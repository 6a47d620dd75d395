/**
 * The types of the chat's parts, for the checker alone: no page loads this file.
 */

/** @typedef {import("./text.js").Text} Text */

/** @typedef {"author" | "visitor"} Role */
/** @typedef {"starting" | "running" | "waiting" | "ended"} Phase */

/**
 * A frame as the server sends it; `kind` says which.
 * @typedef {{kind: string, seq?: number, [field: string]: any}} Frame
 */

// State

/**
 * @typedef {object} ChatState
 * @property {number} seq the last frame that was applied
 * @property {number} known the last number given when the socket was opened: frames up to it are replay
 * @property {Phase} phase
 * @property {number} run how many runs have started
 * @property {string} prompt the last question asked; "" for none
 * @property {Item[]} items what is settled, in order
 * @property {Outgoing[]} outbox what is not taken yet, in the order it was sent
 * @property {Turn} turn
 * @property {string} joining the beginning of a text whose last piece is still to come
 */

/**
 * The turn that is open, or the last one.
 * @typedef {{isAnswered: boolean, hasPrompt: boolean, startedAt: number | null}} Turn
 */

/**
 * A message that its script has not taken yet. `refusal` is the server's sentence; a refused one waits for Retry.
 * @typedef {{id: string, text: string, status: "pending" | "accepted" | "refused", refusal: string}} Outgoing
 */

/** @typedef {Person | Reply | Divider | Gap | End} Item */
/** @typedef {{kind: "person", key: string, id: string, text: string}} Person */
/** @typedef {{kind: "divider", key: string, by: string}} Divider */
/** @typedef {{kind: "gap", key: string}} Gap */

/**
 * What a bot wrote in one turn.
 * @typedef {object} Reply
 * @property {"reply"} kind
 * @property {string} key
 * @property {Text} text
 * @property {Source[]} sources distinct lines that printed it, in order
 * @property {FileCard[]} files
 * @property {boolean} isLive
 * @property {boolean} isCut a gap follows, and the reply goes on below it
 * @property {boolean} isStopped
 * @property {number | null} seconds null where unknown
 */

/** @typedef {{file: string, line: number}} Source */

/**
 * A file that the bot made. `type` is its media type.
 * @typedef {{name: string, url: string, type: string, bytes: number}} FileCard
 */

/**
 * The end of a run.
 * @typedef {object} End
 * @property {"end"} kind
 * @property {string} key
 * @property {number} seq
 * @property {string} reason
 * @property {number | null} exitStatus
 * @property {Fault | null} error
 * @property {"before" | "during" | "after"} place before the bot said anything in this turn, while it wrote, or after it had answered
 * @property {boolean} isFirst nothing at all was shown before
 */

/** @typedef {{type: string | null, message: string, file: string | null, line: number | null, traceback?: string}} Fault */

/**
 * How an end is shown: a crash card, a notice, or a thin note in the log.
 * @typedef {{look: "crash" | "notice" | "note", title: string, text: string}} Ending
 */

// Page

/**
 * @typedef {object} ChatOptions
 * @property {string} chatId "" while it is still asked for: `connect` gives it later
 * @property {Role} role
 * @property {string | null} [visitor] the visitor's secret
 * @property {string} [name] the bot's name, for the box and the labels
 * @property {string} [placeholder] of the box while no question stands in it: "Message <name>"
 * @property {{title?: string, text: string} | null} [hello] shown until the first message; null for none
 * @property {string[]} [examples] things to say, below the hello
 * @property {() => Element} [thumb] makes the bot's picture, shown beside each reply
 * @property {(error: Fault) => Remedy | null} [remedy] what an author can do about a crash, by one button
 */

/** @typedef {{label: string, act: () => void}} Remedy */

/** @typedef {Phase | "reconnecting"} State */

/**
 * @typedef {object} Chat
 * @property {(chatId: string, visitor: string | null) => void} connect for a chat that was mounted without an id
 * @property {() => void} destroy
 * @property {() => void} restart
 * @property {() => void} stop
 * @property {(text: string) => void} send
 * @property {() => void} focus puts the cursor into the box
 * @property {State} state
 */

/**
 * What all parts of a log need to know.
 * @typedef {object} Context
 * @property {string} chatId
 * @property {Role} role
 * @property {(() => Element) | null} thumb
 * @property {(file: string, line: number) => void} onGoto
 * @property {() => void} onChange something wants to be drawn
 * @property {((error: Fault) => Remedy | null) | undefined} remedy
 */

/**
 * What a person can do in the log. `onAgain` sends the last message once more.
 * @typedef {{onRetry: (message: Outgoing) => void, onEdit: (message: Outgoing) => void, onAgain: () => void}} Acts
 */

/**
 * One thing in the log. It is made anew when `value` is another one; a reply is told instead.
 * @typedef {{key: string, value: unknown, make: () => HTMLElement | null}} Entry
 */

/** @typedef {{text: string, isSlow: boolean, isBelowReply: boolean, isLast: boolean}} WritingSign */
/** @typedef {WritingSign & {onStop: (() => void) | null}} Writing */
/** @typedef {{text: string, onNow: (() => void) | null}} Outage */
/** @typedef {{hello: (() => HTMLElement) | null, writing: Writing | null, outage: Outage | null}} Extras */

/**
 * Shows text that arrives in pieces: plain.js, or markdown.js once there is something to format.
 * @typedef {object} Surface
 * @property {HTMLElement} node
 * @property {boolean} isShortened the beginning of the reply is no longer shown
 * @property {(piece: string) => void} add
 * @property {(source: () => string) => void} end
 * @property {(skipped: string) => void} skip shows only what comes from here on
 */

/**
 * @typedef {object} ComposerOptions
 * @property {string} label what the box is called: "Message Night Sky Guide"
 * @property {boolean} isAccent the one filled accent of its page
 * @property {boolean} hasHints
 * @property {string} draft
 * @property {(text: string) => void} onSend
 * @property {() => void} onStop
 * @property {(text: string) => void} onDraft
 */

/**
 * @typedef {object} SocketOptions
 * @property {() => number} seen the number of the last frame that was applied
 * @property {(frame: Frame) => void} onFrame
 * @property {() => void} onReady `hello` came and `resume` is sent: now send what waits
 * @property {() => void} onLost the connection is gone; `retryAt` says when it is tried again
 * @property {() => Promise<boolean>} isGone asked after two vain attempts: whether the chat does not exist any more
 */

/**
 * A conversation that has not begun. `title` is "" where only the sentence is shown.
 * @typedef {{title: string, text: string, examples: string[], thumb: (() => Element) | null}} Hello
 */

export {}
