/*
 * Compiled by `make test`: the C++ wrapper compiles under strict warnings, its classes move and are
 * not copied, and the C header compiles as C++. examples/flows.cpp runs it.
 */
#include "mirrorflow.hpp"

#include <type_traits>

static_assert(std::is_move_constructible_v<mirrorflow::App> && !std::is_copy_constructible_v<mirrorflow::App>);
static_assert(std::is_move_constructible_v<mirrorflow::Input> && !std::is_copy_constructible_v<mirrorflow::Input>);
static_assert(std::is_move_constructible_v<mirrorflow::Output> && !std::is_copy_constructible_v<mirrorflow::Output>);
static_assert(std::is_move_constructible_v<mirrorflow::Mirror> && !std::is_copy_constructible_v<mirrorflow::Mirror>);
static_assert(std::is_nothrow_move_constructible_v<mirrorflow::Slot> && !std::is_copy_constructible_v<mirrorflow::Slot>);
