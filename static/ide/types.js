/**
 * The shapes that the IDE's modules hand to each other; the server's answers are described in docs/ and /openapi.json.
 */

/** @typedef {"private" | "unlisted" | "public"} Access */
/** @typedef {{path: string, bytes: number, etag: string}} BotFile */
/** @typedef {{number: number, created_at_ms: number}} Live */

/**
 * @typedef {object} Bot
 * @property {string} id
 * @property {string} title
 * @property {Access} access
 * @property {string | null} url the link for visitors, null before the first deploy
 * @property {boolean} [qr] false where the link works on this machine only
 * @property {string} main the file that a run starts
 * @property {string | null} notice one machine word, or a sentence, about something that happened elsewhere
 * @property {boolean} taken_down
 * @property {Live | null} live
 * @property {string[]} changed paths that differ from the live version
 * @property {string[]} network whom it may reach: none, ["*"] for the public internet, else hosts
 * @property {boolean} may_use_network false for bots of guests
 */

/** @typedef {{id: string, title: string, access: Access, url: string | null, live: {number: number} | null, updated_at_ms: number}} BotRow */
/** @typedef {{id: string, title: string, description: string}} Template */
/** @typedef {{number: number, created_at_ms: number, by: string, source: string, is_live: boolean}} VersionRow */

/** Where a file's text stands. Absent means: the server has what the editor shows. */
/** @typedef {"dirty" | "saving" | "offline" | "conflict" | "failed"} SaveState */

/** What the draft's program does. `none` is a chat that was not opened yet. */
/** @typedef {"none" | "starting" | "running" | "waiting" | "ended" | "reconnecting"} RunState */

/** @typedef {{type?: string, message?: string, file?: string | null, line?: number | null, traceback?: string | null}} Failure */

/**
 * @typedef {object} IdeState
 * @property {Bot | null} bot
 * @property {BotFile[]} files
 * @property {string[]} open paths that have a tab, from left to right
 * @property {string | null} current the path in front
 * @property {Record<string, SaveState>} saves
 * @property {RunState} run
 * @property {string | null} chat
 * @property {boolean} isStale the draft is newer than what runs
 * @property {boolean} isDeploying
 */

export {}
