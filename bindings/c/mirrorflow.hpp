/*
 * mirrorflow for C++17: classes over mirrorflow.h that own their handles. Programs include it and
 * link the C library. Functions throw mirrorflow::Error; a wait that was too short returns
 * std::nullopt or false. Inputs, outputs and mirrors must not outlive their App. Rules about
 * threads, and how long memory is valid, are those of mirrorflow.h.
 */
#ifndef MIRRORFLOW_HPP
#define MIRRORFLOW_HPP

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mirrorflow.h"

namespace mirrorflow {

/* What a function throws; `what()` is the text. */
class Error : public std::runtime_error {
 public:
  Error(mf_status status, const char *text) : std::runtime_error(text), status_(status) {}
  mf_status status() const noexcept { return status_; }
  /* Such as "FLOW_BUSY". */
  const char *code() const noexcept { return mf_status_name(status_); }

 private:
  mf_status status_;
};

namespace detail {
struct Close {
  void operator()(mf_app *handle) const noexcept { mf_app_close(handle); }
  void operator()(mf_input *handle) const noexcept { mf_input_close(handle); }
  void operator()(mf_output *handle) const noexcept { mf_output_close(handle); }
  void operator()(mf_mirror *handle) const noexcept { mf_mirror_close(handle); }
  void operator()(mf_value *value) const noexcept { mf_value_free(value); }
};
template <typename Handle>
using Owner = std::unique_ptr<Handle, Close>;
}  // namespace detail

/* A value of a call or message. Made with the functions of mirrorflow.h: Value(mf_integer(7)). */
using Value = detail::Owner<mf_value>;

/* Reads a flow; see mf_take. */
class Input {
 public:
  /* The next buffer, valid until the next call; nothing when none came in time. */
  std::optional<mf_buffer> take(int timeout_ms = MF_FOREVER) {
    mf_buffer buffer;
    mf_status status = mf_take(handle_.get(), timeout_ms, &buffer);
    if (status == MF_TIMED_OUT) return std::nullopt;
    if (status != MF_OK) throw Error(status, mf_input_error(handle_.get()));
    return buffer;
  }
  bool intact(const mf_buffer &buffer) const { return mf_intact(handle_.get(), &buffer) != 0; }
  std::uint64_t missed() const { return mf_missed(handle_.get()); }
  bool is_lossy() const { return mf_is_lossy(handle_.get()) != 0; }
  std::string_view state() const { return mf_input_state(handle_.get()); }
  mf_input *get() const noexcept { return handle_.get(); }

 private:
  friend class App;
  explicit Input(mf_input *handle) : handle_(handle) {}
  detail::Owner<mf_input> handle_;
};

/* A reserved slot: `commit` publishes it, else its destructor gives it back. */
class Slot {
 public:
  Slot(Slot &&other) noexcept : output_(std::exchange(other.output_, nullptr)), slot_(other.slot_) {}
  Slot &operator=(Slot &&) = delete;
  ~Slot() {
    if (output_ != nullptr) mf_cancel(output_, &slot_);
  }
  void *data() const noexcept { return slot_.data; }
  std::uint32_t capacity() const noexcept { return slot_.capacity; }
  void commit(std::size_t size, std::uint64_t timestamp_ns = 0, std::uint32_t flags = 0) {
    mf_status status = mf_commit(output_, &slot_, size, timestamp_ns, flags);
    if (status != MF_OK) throw Error(status, mf_output_error(output_));
    output_ = nullptr;
  }

 private:
  friend class Output;
  Slot(mf_output *output, mf_slot slot) : output_(output), slot_(slot) {}
  mf_output *output_;
  mf_slot slot_;
};

/* Writes a flow; see mf_write. */
class Output {
 public:
  /* False when the ring stayed full. */
  bool write(const void *data, std::size_t size, int timeout_ms = MF_FOREVER) {
    mf_status status = mf_write(handle_.get(), data, size, timeout_ms);
    if (status == MF_TIMED_OUT) return false;
    if (status != MF_OK) throw Error(status, mf_output_error(handle_.get()));
    return true;
  }
  bool write(std::string_view text, int timeout_ms = MF_FOREVER) { return write(text.data(), text.size(), timeout_ms); }
  std::optional<Slot> reserve(int timeout_ms = MF_FOREVER) {
    mf_slot slot;
    mf_status status = mf_reserve(handle_.get(), timeout_ms, &slot);
    if (status == MF_TIMED_OUT) return std::nullopt;
    if (status != MF_OK) throw Error(status, mf_output_error(handle_.get()));
    return Slot(handle_.get(), slot);
  }
  std::uint64_t consumers() const { return mf_output_consumers(handle_.get()); }
  mf_output *get() const noexcept { return handle_.get(); }

 private:
  friend class App;
  explicit Output(mf_output *handle) : handle_(handle) {}
  detail::Owner<mf_output> handle_;
};

/* Spectra of the image or of one publication; see mf_spectra_of and mf_read. */
class Spectra {
 public:
  explicit Spectra(const mf_spectra *spectra) : spectra_(spectra) {}
  /* Throws UNKNOWN_SPECTRUM, SOURCE_PROTOCOL. */
  mf_spectrum operator[](const std::string &name) const {
    mf_spectrum spectrum;
    mf_status status = mf_find(spectra_, name.c_str(), &spectrum);
    if (status != MF_OK) throw Error(status, ("no spectrum " + name + " can be read").c_str());
    return spectrum;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    mf_spectrum spectrum;
    for (std::uint32_t position = 0; mf_each(spectra_, &position, &spectrum) != 0;) names.emplace_back(spectrum.name);
    return names;
  }

 private:
  const mf_spectra *spectra_;
};

class Mirror {
 public:
  /* The image: valid until the next call with the mirror. */
  Spectra spectra(int timeout_ms = MF_FOREVER) {
    const mf_spectra *spectra = nullptr;
    mf_status status = mf_spectra_of(handle_.get(), timeout_ms, &spectra);
    if (status != MF_OK) throw Error(status, mf_mirror_error(handle_.get()));
    return Spectra(spectra);
  }
  /* Runs `use(Spectra, sequence)` over one publication, perhaps several times; see mf_read. */
  template <typename Use>
  void read(Use use) {
    struct Run {
      Use *use;
      std::exception_ptr thrown;
    } run{&use, nullptr};
    mf_status status = mf_read(
        handle_.get(),
        [](const mf_spectra *spectra, std::uint64_t sequence, std::uint64_t, void *context) {
          Run *own = static_cast<Run *>(context);
          own->thrown = nullptr;
          try {
            (*own->use)(Spectra(spectra), sequence);
            return MF_OK;
          } catch (...) {
            own->thrown = std::current_exception();
            return MF_APPLICATION_ERROR;
          }
        },
        &run);
    if (status == MF_OK) return;
    if (status == MF_APPLICATION_ERROR && run.thrown != nullptr) std::rethrow_exception(run.thrown);
    throw Error(status, mf_mirror_error(handle_.get()));
  }
  /* The sequence of the next publication, or nothing; see mf_next_update. */
  std::optional<std::uint64_t> next_update(int timeout_ms = MF_FOREVER) {
    std::uint64_t sequence = 0;
    mf_status status = mf_next_update(handle_.get(), timeout_ms, &sequence);
    if (status == MF_TIMED_OUT) return std::nullopt;
    if (status != MF_OK) throw Error(status, mf_mirror_error(handle_.get()));
    return sequence;
  }
  std::string_view state() const { return mf_mirror_state(handle_.get()); }
  mf_mirror *get() const noexcept { return handle_.get(); }

 private:
  friend class App;
  explicit Mirror(mf_mirror *handle) : handle_(handle) {}
  detail::Owner<mf_mirror> handle_;
};

/* A client of an application. */
class App {
 public:
  explicit App(const std::string &application, const mf_connect_options &options = {}) {
    mf_app *handle = nullptr;
    mf_status status = mf_connect(application.c_str(), &options, &handle);
    handle_.reset(handle);
    check(status);
  }
  Input open_input(const std::string &flow, const mf_input_options &options = {}) {
    mf_input *input = nullptr;
    check(mf_open_input(handle_.get(), flow.c_str(), &options, &input));
    return Input(input);
  }
  Output open_output(const std::string &flow, const mf_output_options &options) {
    mf_output *output = nullptr;
    check(mf_open_output(handle_.get(), flow.c_str(), &options, &output));
    return Output(output);
  }
  Mirror mirror(const std::string &flow = "spectra") {
    mf_mirror *mirror = nullptr;
    check(mf_open_mirror(handle_.get(), flow.c_str(), &mirror));
    return Mirror(mirror);
  }
  /* `parameters`: an array, or nothing. */
  Value call(const std::string &method, const Value &parameters = nullptr, int timeout_ms = 10000) {
    mf_value *result = nullptr;
    check(mf_call(handle_.get(), method.c_str(), parameters.get(), timeout_ms, &result));
    return Value(result);
  }
  /* To all clients of a name; returns how many have queued it. */
  std::size_t send(const std::string &client, const std::string &type, const Value &attributes) {
    std::size_t received = 0;
    check(mf_send(handle_.get(), client.c_str(), nullptr, type.c_str(), attributes.get(), &received));
    return received;
  }
  /* Attributes of the next message of a type; a null value when none came. */
  Value receive(const std::string &type, int timeout_ms = MF_FOREVER) {
    mf_value *attributes = nullptr;
    mf_status status = mf_receive(handle_.get(), type.c_str(), timeout_ms, &attributes);
    if (status != MF_TIMED_OUT) check(status);
    return Value(attributes);
  }
  mf_app *get() const noexcept { return handle_.get(); }

 private:
  void check(mf_status status) const {
    if (status != MF_OK) throw Error(status, mf_app_error(handle_.get()));
  }
  detail::Owner<mf_app> handle_;
};

}  // namespace mirrorflow

#endif
