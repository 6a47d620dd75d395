/**
 * The IDE's page: makes the parts and ties them together.
 */
import { announce, prepareAnnouncements } from "./shared/announce.js"
import { append, el, find, pageData } from "./shared/dom.js"
import { placeIcons } from "./ide/place_icons.js"
import { ApiError, api, ensureSession } from "./shared/server.js"
import { toast } from "./shared/toast.js"
import { mountAccount } from "./ide/account.js"
import { Actions, keyNames } from "./ide/actions.js"
import { attempt } from "./ide/attempt.js"
import { ask, chooseBot, forgetLast, remember } from "./ide/boot.js"
import { createChatPane } from "./ide/chat_pane.js"
import { mountConsole } from "./ide/console.js"
import { mountRocket } from "./ide/deploy.js"
import { firstChoice } from "./ide/early.js"
import { mountEditor } from "./ide/editor/editor.js"
import { createFileWork } from "./ide/file_work.js"
import { requirementFor } from "./ide/missing_import.js"
import { mountFiles } from "./ide/files.js"
import { mountNotices } from "./ide/notices.js"
import { addActions } from "./ide/page_actions.js"
import { mountRun } from "./ide/run.js"
import { mountSplitters } from "./ide/splitters.js"
import { createIdeStore, openBot } from "./ide/state.js"
import { mountStatus } from "./ide/status.js"
import { mountTabs } from "./ide/tabs.js"
import { mountTopbar } from "./ide/topbar.js"
import { mountViewer } from "./ide/viewer.js"
import { mountViews, watchModality } from "./ide/views.js"
import { createWorkspace } from "./ide/workspace.js"
import { createMarks } from "./ide/marks.js"
import { mountUnread } from "./ide/unread.js"

/** @typedef {import("./ide/types.js").Bot} Bot */

const get = (/** @type {string} */ id) => find(`#${id}`, HTMLElement)
const data = pageData()
const store = createIdeStore()
const actions = new Actions()
const grid = get("grid")
/** @type {import("./shared/server.js").User | null} */
let user = null

placeIcons()
prepareAnnouncements()
watchModality()
get("editor-host").replaceChildren()

const status = mountStatus(
  { link: get("status-link"), sandbox: get("status-sandbox"), place: get("status-place"), tab: get("status-tab") },
  data.sandbox
)
const unread = mountUnread(get("console-badge"))
const views = mountViews(grid, { bar: get("viewbar"), filesToggle: get("files-toggle"), panelToggle: get("panel-toggle") }, () =>
  unread.clear()
)

const editor = mountEditor(get("editor-host"), {
  onChange: (path) => workspace.changed(path),
  onPlace: (place) => status.place(place)
})
const viewer = mountViewer(get("editor-host"))
const workspace = createWorkspace(store, editor, {
  onConflict: (path) => void showConflict(path),
  onUneditable(path, bytes) {
    viewer.show(path, bytes)
    const isBlank = store.get("current") === null
    if (isBlank) viewer.blank()
    if (path !== null || isBlank) status.place(null)
  }
})
const work = createFileWork(store, workspace, data.limits ?? {})
const marks = createMarks(editor, store)

const isOurs = (/** @type {string} */ path) => store.get("files").some((file) => file.path === path)
const goTo = async (/** @type {string} */ file, /** @type {number} */ line) => {
  if (!isOurs(file)) return
  views.show("code")
  await workspace.show(file)
  if (editor.has(file)) editor.goTo(line)
}

/** @type {import("./ide/console.js").Packages} */
const packages = {
  requirementFor: (module) =>
    requirementFor(
      module,
      store.get("files").map(({ path }) => path)
    ),
  add: (requirement) => void work.require(requirement, () => actions.run("run"))
}
const output = mountConsole(get("console"), {
  isOurs,
  packages,
  goTo: (file, line) => void goTo(file, line),
  onText: () => unread.add(!views.isConsoleShown())
})
const chat = createChatPane(get("chat-host"), store, {
  onStart: (isReplay) => output.start(isReplay),
  onConsole: (text) => output.write(text),
  onEnd(end, isReplay) {
    output.end(end)
    if (!isReplay && end.error) marks.set(end.error)
  },
  goTo: (file, line) => void goTo(file, line),
  packages,
  onOther: () => output.clear(true)
})

const files = mountFiles(get("files"), get("files-list"), store, { show: (path) => void showFile(path), work, chooseFiles })
mountTabs(get("tabs"), store, workspace)
mountRun(get("run"), get("stale"), store, actions)
mountTopbar(
  { save: get("save-state"), share: get("share-state"), title: find("#title", HTMLInputElement), heading: get("heading") },
  store,
  {
    rename: (title) => void renameBot(openBot(store).id, title),
    share: () => actions.run("share"),
    announce
  }
)
mountNotices(get("editor-notice"), store, {
  onConflict: (path) => void showConflict(path),
  shareAgain: () => void attempt("It was not shared again.", () => patch({ access: "unlisted", notice: null })),
  dismiss: () => void attempt("The notice stays.", () => patch({ notice: null }))
})
const dialogs = () => import("./ide/share.js")
const shareHooks = {
  patch,
  packages,
  refresh: () => workspace.refresh(),
  isOurs,
  goTo: (/** @type {string} */ file, /** @type {number} */ line) => void goTo(file, line),
  deploy: () => void rocket.deploy(),
  onUnsaved: sayUnsaved
}
const rocket = mountRocket(find("#rocket", HTMLButtonElement), store, workspace, dialogs, shareHooks)
const account = mountAccount(get("account"), {
  user: () => user,
  onUser: (named) => (user = named),
  more: [{ label: "Keys", icon: "key", end: "?", run: () => actions.run("help") }]
})

mountSplitters(grid, [
  {
    node: get("split-files"),
    property: "--files",
    sign: 1,
    least: 140,
    most: () => Math.min(360, innerWidth * 0.3),
    now: () => get("files").offsetWidth
  },
  {
    node: get("split-panel"),
    property: "--panel",
    sign: -1,
    least: 38,
    most: () => innerHeight * 0.6,
    now: () => get("panel").offsetHeight
  },
  {
    node: get("split-chat"),
    property: "--chat",
    sign: -1,
    least: 280,
    most: () => Math.min(900, innerWidth * 0.5),
    now: () => get("chat").offsetWidth
  }
])
addActions(actions, {
  store,
  workspace,
  editor,
  chat,
  files,
  work,
  views,
  output,
  status,
  rocket,
  run,
  stop,
  openBots,
  openShare: async () => (await dialogs()).openShare(store, shareHooks),
  openVersions: async () => (await import("./ide/versions.js")).openVersions(store, shareHooks),
  openNetwork: async () => (await import("./ide/network.js")).openNetwork(openBot(store), { patch }),
  chooseFiles
})
actions.listen()
store.watch("run", (state) => status.link(state))
store.watch("bot", () => status.link(store.get("run")))
store.watch("bot", (bot) => showLink(bot))

get("bots-mark").addEventListener("click", () => actions.run("bots"))
get("bots-button").addEventListener("click", () => actions.run("bots"))
append(get("finder"), ...keyNames("Mod+K").map((key) => el("kbd", { class: "kbd" }, key)))
get("finder").addEventListener("click", () => actions.run("finder"))
find("#upload-input", HTMLInputElement).addEventListener("change", (event) => {
  const input = /** @type {HTMLInputElement} */ (event.target)
  void work.upload([...(input.files ?? [])], input.dataset.folder ?? "")
  input.value = ""
})

addEventListener("pagehide", () => {
  workspace.keepDrafts()
  workspace.keepPlaces()
})
// Parts that are fetched when they are used need the server; a person who is offline is told so once, here.
addEventListener("unhandledrejection", (event) => {
  if (!/dynamically imported module|module script failed/i.test(event.reason?.message ?? "")) return
  event.preventDefault()
  toast("That part of the page can't be fetched. Check the connection and try again.", { kind: "bad" })
})
addEventListener("online", () => void workspace.saveAll())
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") void workspace.saveAll()
  else void workspace.refresh().catch(() => {})
})

account.unknown()
void start(firstChoice)

/** @param {Promise<import("./ide/boot.js").Choice>} choice */
async function start(choice) {
  const query = new URLSearchParams(location.search)
  try {
    await open(await choice)
    user = await ensureSession()
    account.show(user)
    if (query.get("new")) actions.run("new-bot")
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    if (error.code === "sign_in") return location.assign("/login")
    toast(error.message, { kind: "bad", action: "Try again", onAction: () => void start(chooseBot(query, data.code)) })
  }
}

/** @param {import("./ide/boot.js").Choice} choice */
async function open({ id, isUnrun, answer, early, chat: made }) {
  remember(id)
  await Promise.all([workspace.openBot(id, answer, early), chat.open(id, { isUnrun, made })])
  chat.settle()
}

/** @param {string} path */
async function showFile(path) {
  await workspace.show(path)
  views.closeDrawer()
  if (views.isPhone()) views.show("code")
  marks.apply(path)
}

async function run() {
  const before = store.get("run")
  store.set({ run: "starting" })
  marks.clear()
  if (!(await workspace.saveAll())) {
    store.set({ run: before })
    return sayUnsaved()
  }
  if (views.isPhone()) views.show("chat")
  if (await chat.restart()) return
  store.set({ run: before })
  toast("The bot was not started: the connection is being made again.", { kind: "bad" })
}

function stop() {
  chat.stop()
}

function sayUnsaved() {
  const conflict = Object.entries(store.get("saves")).find(([, state]) => state === "conflict")
  if (conflict) return void showConflict(conflict[0])
  toast("Your changes are not on the server yet, so nothing was started.", {
    kind: "bad",
    action: "Try again",
    onAction: () => actions.run("run")
  })
}

/** @param {string} path */
async function showConflict(path) {
  await attempt("The difference can't be shown.", async () => (await import("./ide/conflict.js")).showConflict(workspace, path))
}

/** @param {{access?: import("./ide/types.js").Access, taken_down?: boolean, notice?: null, title?: string, network?: string[]}} changes @returns {Promise<Bot>} */
async function patch(changes) {
  const { files: _, ...bot } = await api("PATCH", `bots/${openBot(store).id}`, { json: changes })
  store.set({ bot })
  return bot
}

/** @param {string} id @param {string} title */
async function renameBot(id, title) {
  await attempt("It was not renamed.", async () => {
    if (id === store.get("bot")?.id) await patch({ title })
    else await api("PATCH", `bots/${id}`, { json: { title } })
  })
  store.set({ bot: store.get("bot") && { ...openBot(store) } })
}

/** @param {"list" | "new"} [first] */
async function openBots(first = "list") {
  const { openBots: show } = await import("./ide/bots.js")
  await show(
    {
      current: store.get("bot")?.id ?? "",
      open: (id, isNew) => void attempt("That bot can't be opened.", () => open(ask(id, { isNew }))),
      onRenamed: (id, title) => id === store.get("bot")?.id && store.set({ bot: { ...openBot(store), title } }),
      onDeleted(id) {
        if (id !== store.get("bot")?.id) return
        forgetLast()
        void attempt("", async () => open(await chooseBot(new URLSearchParams(), undefined)))
      }
    },
    first
  )
}

/** @param {string} [folder] with its slash */
function chooseFiles(folder = "") {
  const input = find("#upload-input", HTMLInputElement)
  input.dataset.folder = folder
  input.click()
}

/** @param {Bot | null} bot */
function showLink(bot) {
  const link = find("#chat-open", HTMLAnchorElement)
  link.hidden = !bot?.url || bot.taken_down
  if (bot?.url) link.href = bot.url
  const badge = get("share-badge")
  badge.hidden = !bot?.live
  badge.textContent = bot?.live ? `Live v${bot.live.number}` : ""
  const versions = get("versions-badge")
  versions.hidden = !bot?.live
  versions.textContent = bot?.live ? `v${bot.live.number}` : ""
}
