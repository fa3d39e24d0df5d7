@main
enum Program {
  nonisolated static func main() {}
}
