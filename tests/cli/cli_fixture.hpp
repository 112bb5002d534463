// What the tests of the command line share: a folder with files, and words.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "support/folder.hpp"

namespace quern::cli {

using Words = std::vector<std::string>;

class Files : public testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& text) const {
    return folder_.write(name, text);
  }
  static std::string read(const std::string& path) {
    std::stringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
  }

  const test::Folder folder_;
};

}  // namespace quern::cli
