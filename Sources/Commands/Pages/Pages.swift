internal import Configuration

/// The pages that are made of the tables, for `make pages`.
public enum Pages {
  /// Paths from the root of the repository, and what the files hold.
  public static var all: [(path: String, text: String)] {
    [
      (
        "docs/man/frps.8",
        manual(
          "frps", section: 8, FrpsCommands.root.summary,
          CommandManual(FrpsCommands.root).blocks + serverNotes)
      ),
      (
        "docs/man/frpc.8",
        manual(
          "frpc", section: 8, FrpcCommands.root.summary,
          CommandManual(FrpcCommands.root).blocks + clientNotes)
      ),
      (
        "docs/man/frps.ini.5",
        manual("frps.ini", section: 5, "configuration of frps", ConfigurationManual.server)
      ),
      (
        "docs/man/frpc.ini.5",
        manual("frpc.ini", section: 5, "configuration of frpc", ConfigurationManual.client)
      ),
      ("docs/commands.md", commandPage),
    ]
  }

  private static func manual(
    _ name: String, section: Int, _ summary: String, _ blocks: [ManualBlock]
  ) -> String {
    ManualPage.text(
      name, section: section, summary: summary, version: ProductVersion.text,
      date: ProductVersion.date, blocks)
  }

  // MARK: What no table has

  private static let serverNotes: [ManualBlock] = [
    .heading("Signals"),
    .terms([
      ManualTerm(
        "SIGHUP",
        "The files are read again. What cannot change while the program runs is named in the log; "
          + "a file that is wrong changes nothing."), stopping,
    ]), .heading("Exit status"), .terms([success, failure]), .heading("Files"),
    .terms([
      ManualTerm("/etc/frp/frps.ini", "the file that the packages' service runs with")
    ]), .heading("See also"), .paragraph("frps.ini(5), frpc(8)"),
  ]

  private static let clientNotes: [ManualBlock] = [
    .heading("Signals"),
    .terms([
      ManualTerm(
        "SIGHUP",
        "The file is read again. Proxies that have not changed keep every connection; a file that "
          + "is wrong changes nothing."), stopping,
    ]), .heading("Exit status"),
    .terms([
      success,
      ManualTerm(
        "1",
        failure.text + " So is a first login that fails, unless `login_fail_exit` is false, "
          + "and a fault that `frpc doctor` finds."),
    ]), .paragraph("With `--config_dir` it is 0 whatever happens, as in frp."),
    .heading("Environment"),
    .terms([
      ManualTerm("http_proxy", "the proxy to go through, unless the configuration names one")
    ]), .heading("Files"),
    .terms([
      ManualTerm("./frpc.ini", "the file without `-c`"),
      ManualTerm("/etc/frp/frpc.ini", "the file that the packages' service runs with"),
    ]), .heading("See also"), .paragraph("frpc.ini(5), frps(8)"),
  ]

  private static let stopping = ManualTerm(
    "SIGTERM, SIGINT",
    "Nobody new is let in; running connections may go on for `shutdown_grace`, then the program "
      + "ends. A second one ends it at once.")

  private static let success = ManualTerm(
    "0", "All went well, also when a signal ended the program.")

  private static let failure = ManualTerm(
    "1", "The command line or a file is wrong, or the start failed; a message says why.")

  // MARK: Markdown

  private static var commandPage: String {
    """
    # Commands

    This page is made of the tables in `Sources/Commands` by `make pages`; a test fails when it is
    not up to date. Shells learn the same from `frps completion bash`, `zsh` or `fish`, and man(1)
    has frps(8), frpc(8), frps.ini(5) and frpc.ini(5), which `make install` puts in place.

    # frps

    \(markdown(CommandManual(FrpsCommands.root).blocks + serverNotes))

    # frpc

    \(markdown(CommandManual(FrpcCommands.root).blocks + clientNotes))

    """
  }

  private static func markdown(_ blocks: [ManualBlock]) -> String {
    blocks.map { block in
      switch block {
      case .heading(let text): "## \(text)"
      case .subheading(let text): "### `\(text)`"
      case .paragraph(let text): text
      case .bullets(let items): items.map { "- \($0)" }.joined(separator: "\n")
      case .terms(let terms): table(terms)
      }
    }.joined(separator: "\n\n")
  }

  private static func table(_ terms: [ManualTerm]) -> String {
    let rows = terms.map { term in
      "| `\(term.term)`\(term.note.isEmpty ? "" : " \(term.note)") | \(term.text) |"
    }
    return (["| | |", "|---|---|"] + rows).joined(separator: "\n")
  }
}
