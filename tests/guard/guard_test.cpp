// The authentication of the broker without its threads: ZAP messages, and the key ring with its
// files.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "broker/actors/key_ring.hpp"
#include "broker/actors/zap.hpp"
#include "keys/authorized_keys.hpp"
#include "keys/error.hpp"
#include "keys/files.hpp"
#include "keys/z85.hpp"
#include "notation/moment.hpp"
#include "support/folder.hpp"

namespace quern::broker {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
using test::Folder;

// ---- ZAP

TEST(Zap, a_request_is_parsed_and_answered) {
  const std::string key(32, '\x01');
  const auto request = zap_request({"1.0", "7", "quern", "10.0.0.5", "", "CURVE", key});
  ASSERT_TRUE(request);
  EXPECT_EQ(request->address, "10.0.0.5");
  EXPECT_EQ(request->key, keys::z85_encode(key));
  EXPECT_EQ(zap_answer("7", ZapStatus::ok, "role", "user"),
            (std::vector<std::string>{"1.0", "7", "200", "role", "user", ""}));
  EXPECT_EQ(zap_answer("7", ZapStatus::denied, "no", "")[2], "400");
  EXPECT_EQ(zap_answer("7", ZapStatus::not_now, "no", "")[2], "300");
}

TEST(Zap, invalid_requests_are_refused) {
  const std::string key(32, '\x01');
  EXPECT_FALSE(zap_request({}));
  EXPECT_FALSE(zap_request({"1.0", "7"}));
  EXPECT_FALSE(zap_request({"2.0", "7", "quern", "a", "", "CURVE", key}));
  EXPECT_FALSE(zap_request({"1.0", "7", "quern", "a", "", "CURVE"}));
  EXPECT_FALSE(
      zap_request({"1.0", "7", "quern", "a", "", "CURVE", std::string_view(key).substr(1)}));
  EXPECT_FALSE(zap_request({"1.0", "7", "quern", "a", "", "CURVE", key, key}));
  EXPECT_TRUE(zap_request({"1.0", "7", "quern", "a", "", "NULL"}));
}

// ---- the key ring

constexpr std::int64_t kNow = 1'800'000'000;

class Ring : public ::testing::Test {
 protected:
  Ring() { keys::make_missing(folder.path()); }

  void write_grants(const std::string& text) { keys::write_file(folder / "authorized_keys", text); }
  std::string invite(std::int64_t life, const std::string& name = {}) {
    const std::string secret = keys::new_secret();
    keys::Invitation invitation{keys::hash_of_secret(secret), kNow + life, {}};
    invitation.grant.roles = keys::roles_of("work");
    invitation.grant.name = name;
    auto open = keys::invitations_of(keys::read_file(folder / "invitations").value_or(""));
    open.push_back(invitation);
    keys::write_file(folder / "invitations", keys::text_of(open));
    return secret;
  }
  bool refresh(KeyRing& ring, std::int64_t now = kNow) {
    trouble.clear();
    return ring.refresh(now, steady, trouble);
  }
  /// As an editor does that writes to the same file.
  void write_in_place(const std::string& text) {
    std::ofstream(folder / "authorized_keys") << text;
  }

  Folder folder;
  std::vector<std::string> trouble;
  const std::string key = keys::new_key_pair().public_key;
  const KeyRing::Clock::time_point start{};
  KeyRing::Clock::time_point steady{};
};

TEST_F(Ring, only_known_keys_are_accepted) {
  KeyRing ring(folder.path());
  EXPECT_TRUE(refresh(ring));
  EXPECT_FALSE(refresh(ring));
  const auto worker = keys::read_public(folder / "worker.pub").value();
  EXPECT_TRUE(ring.may_connect(worker, "10.0.0.5").allowed);
  EXPECT_FALSE(ring.may_connect(key, "127.0.0.1").allowed);
  EXPECT_EQ(ring.known().principals.at(worker).rights, static_cast<std::uint8_t>(Right::work));
}

TEST_F(Ring, changes_take_effect_and_bad_lines_grant_nothing) {
  KeyRing ring(folder.path());
  refresh(ring);
  write_grants("lab " + key + " work from=10.0.0.0/24\nbad line\n");
  EXPECT_TRUE(refresh(ring));
  ASSERT_EQ(trouble.size(), 1u);
  EXPECT_NE(trouble[0].find("line 2"), std::string::npos);
  EXPECT_TRUE(ring.may_connect(key, "10.0.0.9").allowed);
  EXPECT_FALSE(ring.may_connect(key, "10.0.1.9").allowed);
  EXPECT_FALSE(ring.may_connect(key, "").allowed);  // an ipc peer has no address
}

TEST_F(Ring, a_key_that_a_damaged_line_may_contain_is_told_to_retry) {
  KeyRing ring(folder.path());
  refresh(ring);
  EXPECT_FALSE(ring.may_connect(key, "").unsure);
  for (const std::string& damaged :
       {std::string(), "lab " + key + " wrok\n", std::string("# nobody\n")}) {
    write_grants(damaged);
    EXPECT_TRUE(refresh(ring));
    EXPECT_FALSE(ring.may_connect(key, "").allowed) << damaged;
    EXPECT_TRUE(ring.may_connect(key, "").unsure) << damaged;
  }
  write_grants("other " + keys::new_key_pair().public_key + " work\n");
  EXPECT_TRUE(refresh(ring));
  EXPECT_FALSE(ring.may_connect(key, "").unsure);
}

TEST_F(Ring, a_revoked_key_cannot_enrol_again) {
  auto file = keys::AuthorizedKeys::parse("lab " + key + " work\n");
  EXPECT_EQ(file.revoke("lab"), 1u);
  write_grants(keys::read_file(folder / "authorized_keys").value() + file.text());
  KeyRing ring(folder.path());
  refresh(ring);
  const std::string code = invite(600);
  refresh(ring);
  const auto refused = ring.enrol(key, "lab", code, "10.0.0.5", kNow, steady);
  EXPECT_EQ(refused.name, "");
  EXPECT_NE(refused.reason.find("revoked"), std::string::npos);
  EXPECT_EQ(ring.enrol(keys::new_key_pair().public_key, "lab", code, "10.0.0.5", kNow, steady).name,
            "lab");  // the code is still valid
}

TEST_F(Ring, an_unreadable_file_stays_valid_for_thirty_seconds_and_then_grants_nothing) {
  write_grants("lab " + key + " work\n");
  KeyRing ring(folder.path());
  refresh(ring);
  fs::rename(folder / "authorized_keys", folder / "away");
  EXPECT_FALSE(refresh(ring));
  ASSERT_EQ(trouble.size(), 1u);
  EXPECT_NE(trouble[0].find("30 s"), std::string::npos);
  steady += 29s;
  EXPECT_FALSE(refresh(ring));
  EXPECT_TRUE(ring.may_connect(key, "").allowed);
  steady += 1s;
  EXPECT_TRUE(refresh(ring));
  EXPECT_FALSE(ring.may_connect(key, "").allowed);
  fs::rename(folder / "away", folder / "authorized_keys");  // exactly the same file
  EXPECT_TRUE(refresh(ring));
  EXPECT_TRUE(ring.may_connect(key, "").allowed);
  fs::permissions(folder / "authorized_keys", fs::perms::others_write, fs::perm_options::add);
  EXPECT_FALSE(refresh(ring));
  steady += 100ms;
  EXPECT_FALSE(refresh(ring));
  ASSERT_EQ(trouble.size(), 1u);
  EXPECT_NE(trouble[0].find("chmod go-w"), std::string::npos);
}

// The second of two quick changes may give the file the inode number that it had before the first.
TEST_F(Ring, keys_added_in_quick_succession_are_accepted_at_once) {
  KeyRing ring(folder.path());
  refresh(ring);
  for (int round = 0; round < 8; ++round) {
    std::string lines;
    std::vector<std::string> added;
    for (int n = 0; n < 1 + round % 4; ++n) {
      added.push_back(keys::new_key_pair().public_key);
      lines += "lab" + std::to_string(n) + " " + added.back() + " work\n";
      write_grants(lines);
    }
    EXPECT_TRUE(refresh(ring));
    for (const auto& one : added) EXPECT_TRUE(ring.may_connect(one, "").allowed) << round;
  }
}

TEST_F(Ring, a_key_that_is_just_being_written_is_told_to_retry) {
  write_in_place("other " + keys::new_key_pair().public_key + " work\n");
  KeyRing ring(folder.path());
  refresh(ring);
  EXPECT_FALSE(ring.may_connect(key, "").unsure);
  write_in_place("lab " + key + " work\n# a longer file\n");
  EXPECT_FALSE(refresh(ring));
  EXPECT_FALSE(ring.may_connect(key, "").allowed);
  EXPECT_TRUE(ring.may_connect(key, "").unsure);
  steady += 100ms;
  EXPECT_TRUE(refresh(ring));
  EXPECT_TRUE(ring.may_connect(key, "").allowed);
}

TEST_F(Ring, a_partially_written_line_is_not_accepted) {
  write_grants("lab " + key + " work\n");
  KeyRing ring(folder.path());
  refresh(ring);
  write_in_place("lab " + key + " work,admin");
  EXPECT_FALSE(refresh(ring));
  write_in_place("lab " + key + " work,admin from=10.0.0.0/8\n");
  EXPECT_FALSE(refresh(ring));
  EXPECT_EQ(ring.known().principals.at(key).rights, static_cast<std::uint8_t>(Right::work));
  steady += 100ms;
  EXPECT_TRUE(refresh(ring));  // the file has been stable for a moment
  EXPECT_FALSE(ring.may_connect(key, "9.9.9.9").allowed);
  EXPECT_EQ(ring.known().places.at(key), std::vector<std::string>{"10.0.0.0/8"});
}

TEST_F(Ring, an_invitation_is_not_used_up_by_a_key_that_is_already_authorized) {
  write_grants("lab " + key + " work\n");
  KeyRing ring(folder.path());
  const std::string secret = invite(60);
  refresh(ring);
  // A code that was used up: a lost answer is sent again.
  const auto again = ring.enrol(key, "x", "used up", "a", kNow, start);
  EXPECT_EQ(again.name, "lab");
  EXPECT_FALSE(again.fresh);
  // An open code: its owner wants rights that the key does not have yet.
  const auto more = ring.enrol(key, "x", secret, "a", kNow, start);
  EXPECT_EQ(more.name, "");
  EXPECT_NE(more.reason.find("quern keys revoke lab"), std::string::npos);
  EXPECT_TRUE(ring.invitations_open());
}

TEST_F(Ring, an_invitation_without_a_name_is_for_workers_only) {
  KeyRing ring(folder.path());
  const std::string secret = keys::new_secret();
  keys::Invitation invitation{keys::hash_of_secret(secret), kNow + 60, {}};
  invitation.grant.roles = keys::roles_of("submit");
  keys::write_file(folder / "invitations", keys::text_of({invitation}));
  refresh(ring);
  EXPECT_NE(ring.enrol(key, "carol", secret, "a", kNow, start).reason.find("--name"),
            std::string::npos);
  EXPECT_FALSE(ring.known().principals.contains(key));
}

TEST_F(Ring, an_unknown_key_may_connect_while_an_invitation_is_open) {
  KeyRing ring(folder.path());
  invite(60);
  refresh(ring);
  EXPECT_TRUE(ring.may_connect(key, "").allowed);
  EXPECT_FALSE(ring.may_connect(key, "").known);  // the auth actor then checks again
  write_grants("lab " + key + " work\n");
  refresh(ring);
  EXPECT_TRUE(ring.may_connect(key, "").known);
}

TEST_F(Ring, touching_an_unusable_file_does_not_extend_its_validity) {
  write_grants("lab " + key + " work\n");
  KeyRing ring(folder.path());
  refresh(ring);
  fs::permissions(folder / "authorized_keys", fs::perms::others_write, fs::perm_options::add);
  for (int i = 0; i < 40; ++i) {
    fs::last_write_time(folder / "authorized_keys",
                        fs::file_time_type::clock::now() + std::chrono::seconds(i));
    refresh(ring);
    steady += 1s;
  }
  EXPECT_FALSE(ring.may_connect(key, "").allowed);
}

TEST_F(Ring, an_expired_key_can_be_invited_again) {
  write_grants("lab " + key + " work expires=" + notation::moment_text(kNow - 10) + "\n");
  KeyRing ring(folder.path());
  const std::string secret = invite(60);
  refresh(ring);
  EXPECT_EQ(ring.enrol(key, "lab", secret, "a", kNow, start).name, "lab-2");
  EXPECT_TRUE(ring.known().principals.contains(key));
  EXPECT_EQ(
      keys::AuthorizedKeys::parse(keys::read_file(folder / "authorized_keys").value()).problems(),
      std::vector<std::string>{});
}

TEST_F(Ring, a_reserved_name_cannot_be_requested) {
  for (const auto& [wanted, given] : std::vector<std::pair<std::string, std::string>>{
           {"broker", "broker-2"}, {"..", "peer"}, {"-rf", "rf"}, {"", "peer-2"}}) {
    KeyRing ring(folder.path());
    const std::string secret = invite(60);
    refresh(ring);
    EXPECT_EQ(ring.enrol(keys::new_key_pair().public_key, wanted, secret, "a", kNow, start).name,
              given)
        << wanted;
  }
}

TEST_F(Ring, an_expired_key_is_refused) {
  write_grants("lab " + key + " work expires=" + notation::moment_text(kNow + 10) + "\n");
  KeyRing ring(folder.path());
  refresh(ring);
  EXPECT_TRUE(ring.may_connect(key, "").allowed);
  EXPECT_TRUE(refresh(ring, kNow + 10));
  EXPECT_FALSE(ring.may_connect(key, "").allowed);
  EXPECT_TRUE(ring.known().principals.empty());
}

TEST_F(Ring, an_invitation_can_be_used_once) {
  KeyRing ring(folder.path());
  const std::string secret = invite(60);
  refresh(ring);
  EXPECT_TRUE(ring.invitations_open());
  EXPECT_TRUE(ring.may_connect(key, "10.0.0.5").allowed);
  EXPECT_FALSE(ring.known().principals.contains(key));  // it may connect, but do nothing else
  const auto enrolment = ring.enrol(key, "lab 3/..\n", secret, "10.0.0.5", kNow, start);
  EXPECT_EQ(enrolment.name, "lab-3-..-");
  EXPECT_EQ(enrolment.rights, static_cast<std::uint8_t>(Right::work));
  EXPECT_TRUE(ring.known().principals.contains(key));
  EXPECT_FALSE(ring.invitations_open());
  const std::string other = keys::new_key_pair().public_key;
  EXPECT_TRUE(ring.enrol(other, "lab", secret, "10.0.0.6", kNow, start).name.empty());
  // The files contain the key, but not the secret.
  EXPECT_NE(keys::read_file(folder / "authorized_keys")->find(key), std::string::npos);
  EXPECT_EQ(keys::read_file(folder / "invitations")->find(secret), std::string::npos);
}

TEST_F(Ring, an_expired_invitation_is_refused) {
  KeyRing ring(folder.path());
  const std::string secret = invite(60);
  refresh(ring, kNow + 61);
  EXPECT_FALSE(ring.invitations_open());
  EXPECT_TRUE(ring.enrol(key, "lab", secret, "10.0.0.5", kNow + 61, start).name.empty());
}

TEST_F(Ring, a_name_in_use_is_not_assigned_again) {
  KeyRing ring(folder.path());
  const std::string secret = invite(60);
  refresh(ring);
  EXPECT_EQ(ring.enrol(key, "client", secret, "a", kNow, start).name, "client-2");
}

TEST_F(Ring, each_wrong_code_makes_the_address_wait_longer) {
  KeyRing ring(folder.path());
  const std::string secret = invite(600);
  refresh(ring);
  auto at = start;
  for (int failure = 0; failure < 5; ++failure) {
    EXPECT_NE(ring.enrol(key, "lab", "guess", "10.0.0.5", kNow, at).reason.find("wrong"),
              std::string::npos);
    const auto wait = 1s * (1 << failure);
    EXPECT_NE(
        ring.enrol(key, "lab", "guess", "10.0.0.5", kNow, at + wait - 1ms).reason.find("too many"),
        std::string::npos);
    at += wait;
  }
  // A peer with the right code does not wait for peers that guess from the same address.
  EXPECT_NE(ring.enrol(key, "lab", "guess", "10.0.0.5", kNow, at).reason.find("wrong"),
            std::string::npos);
  EXPECT_EQ(ring.enrol(key, "lab", secret, "10.0.0.5", kNow, at).name, "lab");
}

}  // namespace
}  // namespace quern::broker
