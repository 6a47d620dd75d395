/**
 * The account button: who this is, where else one can go, light or dark.
 */
import { fill } from "../shared/dom.js"
import { icon } from "../shared/icons.js"
import { setTheme, theme } from "../shared/theme.js"

/** @typedef {import("../shared/server.js").User} User */

const THEMES = /** @type {const} */ ([
  ["auto", "As the system says"],
  ["light", "Light"],
  ["dark", "Dark"]
])

/** @param {User} user */
export function initialOf(user) {
  return (user.guest ? "G" : ([...user.name][0] ?? "?")).toUpperCase()
}

/**
 * @param {HTMLElement} button
 * @param {object} hooks
 * @param {() => User | null} hooks.user null while it is not known
 * @param {import("./menu.js").Item[]} [hooks.more] rows of the page's own
 * @param {(user: User) => void} [hooks.onUser] a guest took a name
 */
export function mountAccount(button, { user, more = [], onUser }) {
  button.addEventListener("click", async () => {
    const { openMenu } = await import("./menu.js")
    const who = user()
    const label = !who ? "Account" : who.guest ? "You are a guest" : who.name
    openMenu(button, "Account", [
      { heading: label },
      ...(who ? own(who) : []),
      { label: who && !who.guest ? "Switch account" : "Sign in", icon: "key", href: "/login" },
      { label: "Tokens and command line", icon: "code", href: "/devs" },
      "line",
      { label: "Explore bots", icon: "globe", href: "/explore" },
      { label: "Learn", icon: "python", href: "/learn" },
      ...more,
      "line",
      { heading: "Light or dark" },
      ...THEMES.map(([value, name]) => ({ label: name, isChosen: theme() === value, run: () => setTheme(value) }))
    ])
  })

  /** What one can do with the account that one has. @param {User} who @returns {import("./menu.js").Item[]} */
  const own = (who) =>
    who.guest
      ? [
          {
            label: "Take a name",
            icon: "pencil",
            run: async () =>
              (await import("./account_dialogs.js")).takeName((named) => {
                shown.show(named)
                onUser?.(named)
              })
          }
        ]
      : [{ label: "Sign out", icon: "x", run: async () => (await import("./account_dialogs.js")).signOut() }]

  const shown = {
    /** @param {User} who */
    show(who) {
      button.ariaLabel = who.guest ? "Account: guest" : `Account: ${who.name}`
      button.title = who.guest ? "You are a guest" : who.name
      fill(button, initialOf(who))
    },
    unknown: () => fill(button, icon("menu"))
  }
  return shown
}
