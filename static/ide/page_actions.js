/**
 * The actions of the page, with their keys.
 */
import { extraCommand } from "./editor/setup.js"
import { isAlive } from "./run.js"
import { cycleRegions } from "./views.js"
import { toast } from "../shared/toast.js"

/**
 * @typedef {object} Parts
 * @property {import("./state.js").IdeStore} store
 * @property {import("./workspace.js").Workspace} workspace
 * @property {import("./editor/editor.js").Editor} editor
 * @property {import("./chat_pane.js").ChatPane} chat
 * @property {{newFile: () => void, rename: (path: string) => void}} files
 * @property {import("./file_work.js").FileWork} work
 * @property {import("./views.js").Views} views
 * @property {import("./console.js").Console} output
 * @property {{tab: (moves: boolean) => void}} status
 * @property {{deploy: () => Promise<void>}} rocket
 * @property {() => Promise<void>} run
 * @property {() => void} stop
 * @property {(first?: "list" | "new") => Promise<void>} openBots
 * @property {() => Promise<void>} openShare
 * @property {() => Promise<void>} openVersions
 * @property {() => Promise<void>} openNetwork
 * @property {(folder?: string) => void} chooseFiles
 */

/** @param {import("./actions.js").Actions} actions @param {Parts} parts */
export function addActions(actions, parts) {
  addRunning(actions, parts)
  addFiles(actions, parts)
  addPlaces(actions, parts)
}

/** @param {import("./actions.js").Actions} actions @param {Parts} parts */
function addRunning(actions, { store, workspace, chat, output, rocket, run, stop, openBots, openShare, openVersions, openNetwork, views }) {
  const hasBot = () => store.get("bot") !== null
  actions.add(
    { id: "run", label: "Save and run", keys: ["Mod+Enter"], icon: "play", isEnabled: hasBot, run: () => void run() },
    {
      id: "stop",
      label: "Stop the bot",
      keys: ["Mod+.", "Ctrl+."],
      icon: "stop",
      isEnabled: () => isAlive(store.get("run")),
      run: stop
    },
    { id: "save", label: "Save now", keys: ["Mod+S"], icon: "check", isEnabled: hasBot, run: () => void workspace.saveAll() },
    { id: "deploy", label: "Deploy", icon: "share", isEnabled: hasBot, run: () => void rocket.deploy() },
    { id: "share", label: "Share", icon: "link", isEnabled: hasBot, run: () => void openShare() },
    { id: "versions", label: "Versions and roll back", icon: "clock", isEnabled: hasBot, run: () => void openVersions() },
    { id: "network", label: "Network: whom the bot may reach", icon: "globe", isEnabled: hasBot, run: () => void openNetwork() },
    { id: "bots", label: "Your bots", keys: ["Mod+Shift+O"], icon: "menu", run: () => void openBots() },
    { id: "new-bot", label: "New bot", icon: "plus", run: () => void openBots("new") },
    { id: "new-chat", label: "New chat with the draft", icon: "newchat", isEnabled: hasBot, run: () => void newChat() },
    { id: "clear-console", label: "Clear the console", icon: "x", run: () => output.clear() },
    { id: "console", label: "Show or hide the console", keys: ["Mod+J"], icon: "sidebar", run: () => views.toggleConsole() }
  )

  async function newChat() {
    const before = store.get("chat")
    if (!(await workspace.saveAll())) return
    if (!(await chat.startNew()) || !before) return
    toast("New chat, with empty folders of its own", { action: "Back to the last", onAction: () => chat.back(before) })
  }
}

/** @param {import("./actions.js").Actions} actions @param {Parts} parts */
function addFiles(actions, { store, workspace, files, work, chooseFiles, views }) {
  const hasFile = () => store.get("current") !== null
  const current = () => store.get("current") ?? ""
  const naming = (/** @type {() => void} */ begin) => {
    if (views.isPhone()) views.show("files")
    else views.openFiles()
    begin()
  }
  actions.add(
    { id: "new-file", label: "New file", icon: "plus", run: () => naming(() => files.newFile()) },
    { id: "upload", label: "Upload files", icon: "upload", run: () => chooseFiles() },
    {
      id: "rename-file",
      label: "Rename this file",
      icon: "pencil",
      isEnabled: hasFile,
      run: () => naming(() => files.rename(current()))
    },
    { id: "delete-file", label: "Delete this file", icon: "trash", isEnabled: hasFile, run: () => void work.remove(current()) },
    {
      id: "download-file",
      label: "Download this file",
      icon: "download",
      isEnabled: hasFile,
      run: () => void work.download(current())
    },
    {
      id: "close-tab",
      label: "Close this tab",
      keys: ["Alt+W"],
      icon: "x",
      isEnabled: hasFile,
      run: () => void workspace.close(current())
    }
  )
  const button = document.getElementById("file-menu")
  store.watch("current", (path) => button?.toggleAttribute("disabled", path === null))
  button?.addEventListener("click", async () =>
    (await import("./menu.js")).openMenu(button, `More for ${current()}`, [
      { label: "Close the tab", icon: "x", run: () => actions.run("close-tab") },
      { label: "Rename", icon: "pencil", run: () => actions.run("rename-file") },
      { label: "Download", icon: "download", run: () => actions.run("download-file") },
      "line",
      { label: "Find and replace", icon: "search", run: () => actions.run("find") },
      { label: "Go to line", icon: "code", run: () => actions.run("go-to-line") },
      "line",
      { label: "Delete", icon: "trash", isBad: true, run: () => actions.run("delete-file") }
    ])
  )
}

/** @param {import("./actions.js").Actions} actions @param {Parts} parts */
function addPlaces(actions, { store, workspace, editor, chat, status, views }) {
  let tabMoves = false
  const into = { editor: () => editor.focus(), chat: () => chat.focus() }
  actions.add(
    {
      id: "finder",
      label: "Find or do anything",
      keys: ["Mod+K", "F1"],
      icon: "search",
      isHidden: true,
      run: async () => (await import("./finder.js")).openFinder(actions, store, (path) => void workspace.show(path))
    },
    {
      id: "help",
      label: "Keys",
      keys: ["?", "Mod+Shift+H"],
      icon: "key",
      isOutsideText: true,
      run: async () => (await import("./help.js")).openHelp(actions)
    },
    {
      id: "find",
      label: "Find and replace in this file",
      icon: "search",
      run: () => void editor.run(extraCommand("openSearchPanel"))
    },
    { id: "go-to-line", label: "Go to line", icon: "code", run: () => void editor.run(extraCommand("gotoLine")) },
    { id: "next-region", label: "Next region", keys: ["F6"], icon: "expand", isHidden: true, run: () => cycleRegions(1, into) },
    {
      id: "last-region",
      label: "Previous region",
      keys: ["Shift+F6"],
      icon: "expand",
      isHidden: true,
      run: () => cycleRegions(-1, into)
    },
    {
      id: "tab-moves",
      label: "Switch what Tab does in the code",
      keys: ["Ctrl+M"],
      icon: "refresh",
      run() {
        tabMoves = !tabMoves
        editor.setTabMoves(tabMoves)
        status.tab(tabMoves)
      }
    },
    { id: "go-code", label: "Go to the code", keys: ["Alt+1"], icon: "code", run: () => (views.show("code"), editor.focus()) },
    { id: "go-chat", label: "Go to the chat", keys: ["Alt+2"], icon: "newchat", run: () => (views.show("chat"), chat.focus()) }
  )
}
