// An OpenIGTLink receiver on the C++ library: prints each STATUS and STRING, one line each, and answers where it is to.
// Usage: receiver PORT answer|listen [mute]    With port 0 it takes a free one; "mute" reads one message and then hangs.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>
#include <unistd.h>

#include "igtlMessageHeader.h"
#include "igtlOSUtil.h"
#include "igtlServerSocket.h"
#include "igtlStatusMessage.h"
#include "igtlStringMessage.h"

static unsigned crc16(const std::string& text)
{
  unsigned crc = 0;
  for (unsigned char letter : text)
  {
    crc ^= static_cast<unsigned>(letter) << 8;
    for (int bit = 0; bit < 8; ++bit)
      crc = crc & 0x8000 ? (crc << 1 ^ 0x1021) & 0xffff : crc << 1 & 0xffff;
  }
  return crc;
}

static std::string answerTo(const std::string& line)
{
  const size_t after = line.find(',', line.find(',') + 1);
  const std::string text = "GA1" + line.substr(3, after + 6 - 3);
  char sum[8];
  std::snprintf(sum, sizeof sum, ",%04X", crc16(text));
  return text + sum;
}

static bool receive(igtl::Socket* socket, igtl::MessageBase* message)
{
  message->AllocatePack();
  const int size = message->GetPackBodySize();
  return socket->Receive(message->GetPackBodyPointer(), size) == size &&
         message->Unpack(1) & igtl::MessageHeader::UNPACK_BODY;
}

template <class Message> static void send(igtl::Socket* socket, Message& message)
{
  message->SetDeviceName("RECEIVER");
  message->Pack();
  socket->Send(message->GetPackPointer(), message->GetPackSize());
}

static bool serveOne(igtl::Socket* socket, bool answers)
{
  igtl::MessageHeader::Pointer header = igtl::MessageHeader::New();
  header->InitPack();
  if (socket->Receive(header->GetPackPointer(), header->GetPackSize()) != header->GetPackSize())
    return false;
  header->Unpack();
  const std::string type = header->GetDeviceType();
  if (type == "STATUS")
  {
    igtl::StatusMessage::Pointer status = igtl::StatusMessage::New();
    status->SetMessageHeader(header);
    if (!receive(socket, status))
      return false;
    std::cout << "STATUS " << header->GetDeviceName() << ' ' << status->GetCode() << ' ' << status->GetSubCode() << ' '
              << status->GetErrorName() << ' ' << status->GetStatusString() << std::endl;
    if (answers)
    {
      igtl::StatusMessage::Pointer answer = igtl::StatusMessage::New();
      answer->SetCode(status->GetCode());
      answer->SetSubCode(status->GetSubCode());
      answer->SetErrorName("output");
      answer->SetStatusString("as told");
      send(socket, answer);
    }
    return true;
  }
  if (type == "STRING")
  {
    igtl::StringMessage::Pointer text = igtl::StringMessage::New();
    text->SetMessageHeader(header);
    if (!receive(socket, text))
      return false;
    std::cout << "STRING " << header->GetDeviceName() << ' ' << text->GetString() << std::endl;
    if (answers)
    {
      igtl::StringMessage::Pointer answer = igtl::StringMessage::New();
      std::string line = answerTo(text->GetString());
      answer->SetString(line);
      send(socket, answer);
    }
    return true;
  }
  std::cout << "OTHER " << type << std::endl;
  return false;
}

int main(int argc, char* argv[])
{
  if (argc < 3)
    return 2;
  const bool answers = std::strcmp(argv[2], "answer") == 0;
  const bool mute = argc > 3;
  igtl::ServerSocket::Pointer server = igtl::ServerSocket::New();
  if (server->CreateServer(std::atoi(argv[1])) < 0)
    return 1;
  std::cout << "LISTENING " << server->GetServerPort() << std::endl;
  for (;;)
  {
    igtl::Socket::Pointer socket;
    socket = server->WaitForConnection(1000);
    if (socket.IsNull())
      continue;
    std::cout << "CONNECTED" << std::endl;
    while (serveOne(socket, answers))
      while (mute)
        pause();
    socket->CloseSocket();
    std::cout << "GONE" << std::endl;
  }
}
