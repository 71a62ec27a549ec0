/*
 * Writes to a flow, reads it back, and lists the flows of the application, in C++.
 *
 *   c++ -std=c++17 flows.cpp $(pkg-config --cflags --libs mirrorflow) -o flows
 *   ./flows e1
 */
#include <cstring>
#include <iostream>
#include <mirrorflow.hpp>

int main(int argc, char **argv) try {
  if (argc != 2) return std::cerr << "usage: flows APPLICATION\n", 2;
  mirrorflow::App app(argv[1]);
  mf_output_options options{};
  options.buffer_size = 64;
  auto output = app.open_output("greetings", options);
  auto input = app.open_input("greetings");
  output.write("hello");
  if (auto slot = output.reserve()) {
    std::memcpy(slot->data(), "again", 5);
    slot->commit(5);
  }
  for (int at = 0; at < 2; at++)
    if (auto buffer = input.take(5000))
      std::cout << buffer->sequence << ": " << std::string_view(static_cast<const char *>(buffer->data), buffer->size) << '\n';
  auto flows = app.call("flow.list");
  for (std::size_t at = 0; at < mf_count(flows.get()); at++)
    std::cout << "flow " << mf_text_of(mf_get(mf_item(flows.get(), at), "flow"), "") << '\n';
  return 0;
} catch (const mirrorflow::Error &error) {
  std::cerr << error.code() << ": " << error.what() << '\n';
  return 1;
}
