// Says, with the C++ library of OpenIGTLink, what it hears: one line of JSON per message, until the sender hangs up.
//
// Usage: hearer
//
// It prints the port on which it listens, takes one connection, and has the library check every checksum. Of messages
// with a header of version 2 or above, which this library does not know, the checksum is computed with the library's
// own function; the content is then put under a header of version 1 and read as any other.

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "igtlImageMessage.h"
#include "igtlMessageHeader.h"
#include "igtlServerSocket.h"
#include "igtlStatusMessage.h"
#include "igtlStringMessage.h"
#include "igtlTransformMessage.h"
#include "igtl_header.h"
#include "igtl_util.h"

typedef std::vector<unsigned char> Bytes;

static unsigned long long big(const Bytes& bytes, size_t at, int count)
{
  unsigned long long value = 0;
  for (int k = 0; k < count; k++) value = value << 8 | bytes[at + k];
  return value;
}

// Returns whether the library finds the checksum right, and leaves the content under a header of version 1.
static bool plain(igtl_header& header, Bytes& body, unsigned& number)
{
  const bool sound = crc64(body.data(), body.size(), crc64(0, 0, 0LL)) == header.crc;
  number = static_cast<unsigned>(big(body, 8, 4));
  const size_t start = big(body, 0, 2), after = big(body, 2, 2) + big(body, 4, 4);
  body = Bytes(body.begin() + start, body.end() - after);
  header.version = 1;
  header.body_size = body.size();
  header.crc = crc64(body.data(), body.size(), crc64(0, 0, 0LL));
  return sound;
}

static bool unpacked(igtl::MessageBase* message, igtl::MessageHeader* header, const Bytes& body)
{
  message->SetMessageHeader(header);
  message->AllocatePack();
  std::memcpy(message->GetPackBodyPointer(), body.data(), body.size());
  return message->Unpack(1) & igtl::MessageHeader::UNPACK_BODY;
}

template <typename Scalar> static double sum(igtl::ImageMessage* image)
{
  const bool swapped = (image->GetEndian() == igtl::ImageMessage::ENDIAN_LITTLE) != (igtl_is_little_endian() != 0);
  const char* at = static_cast<const char*>(image->GetScalarPointer());
  const int count = image->GetImageSize() / static_cast<int>(sizeof(Scalar));
  double total = 0.0;
  for (int k = 0; k < count; k++, at += sizeof(Scalar))
    {
    char raw[sizeof(Scalar)];
    for (unsigned i = 0; i < sizeof(Scalar); i++) raw[i] = at[swapped ? sizeof(Scalar) - 1 - i : i];
    Scalar value;
    std::memcpy(&value, raw, sizeof(Scalar));
    total += (k + 1) * static_cast<double>(value);
    }
  return total;
}

static double checked(igtl::ImageMessage* image)
{
  switch (image->GetScalarType())
    {
    case igtl::ImageMessage::TYPE_INT8: return sum<signed char>(image);
    case igtl::ImageMessage::TYPE_UINT8: return sum<unsigned char>(image);
    case igtl::ImageMessage::TYPE_INT16: return sum<short>(image);
    case igtl::ImageMessage::TYPE_UINT16: return sum<unsigned short>(image);
    case igtl::ImageMessage::TYPE_INT32: return sum<int>(image);
    case igtl::ImageMessage::TYPE_UINT32: return sum<unsigned>(image);
    case igtl::ImageMessage::TYPE_FLOAT32: return sum<float>(image);
    default: return sum<double>(image);
    }
}

static void matrix(const igtl::Matrix4x4& values)
{
  std::printf(", \"matrix\": [");
  for (int i = 0; i < 3; i++)
    std::printf("%s[%.9g, %.9g, %.9g, %.9g]", i ? ", " : "", values[i][0], values[i][1], values[i][2], values[i][3]);
  std::printf("]");
}

static bool content(const std::string& type, igtl::MessageHeader* header, const Bytes& body)
{
  igtl::Matrix4x4 values;
  if (type == "IMAGE")
    {
    igtl::ImageMessage::Pointer image = igtl::ImageMessage::New();
    if (!unpacked(image, header, body)) return false;
    int size[3], part[3], offset[3];
    float spacing[3];
    image->GetDimensions(size);
    image->GetSubVolume(part, offset);
    image->GetSpacing(spacing);
    image->GetMatrix(values);
    std::printf(", \"scalar\": %d, \"endian\": %d, \"axes\": %d, \"components\": %d", image->GetScalarType(),
                image->GetEndian(), image->GetCoordinateSystem(), image->GetNumComponents());
    std::printf(", \"size\": [%d, %d, %d], \"part\": [%d, %d, %d], \"offset\": [%d, %d, %d]", size[0], size[1], size[2],
                part[0], part[1], part[2], offset[0], offset[1], offset[2]);
    std::printf(", \"spacing\": [%.9g, %.9g, %.9g], \"sum\": %.17g", spacing[0], spacing[1], spacing[2], checked(image));
    matrix(values);
    }
  else if (type == "TRANSFORM")
    {
    igtl::TransformMessage::Pointer transform = igtl::TransformMessage::New();
    if (!unpacked(transform, header, body)) return false;
    transform->GetMatrix(values);
    matrix(values);
    }
  else if (type == "STATUS")
    {
    igtl::StatusMessage::Pointer status = igtl::StatusMessage::New();
    if (!unpacked(status, header, body)) return false;
    std::printf(", \"code\": %d, \"subcode\": %lld, \"name\": \"%s\", \"text\": \"%s\"", status->GetCode(),
                static_cast<long long>(status->GetSubCode()), status->GetErrorName(), status->GetStatusString());
    }
  else if (type == "STRING")
    {
    igtl::StringMessage::Pointer text = igtl::StringMessage::New();
    if (!unpacked(text, header, body)) return false;
    std::printf(", \"encoding\": %d, \"text\": \"%s\"", text->GetEncoding(), text->GetString());
    }
  return true;
}

int main()
{
  igtl::ServerSocket::Pointer server = igtl::ServerSocket::New();
  if (server->CreateServer(0) < 0) return 1;
  std::printf("%d\n", server->GetServerPort());
  std::fflush(stdout);
  igtl::ClientSocket::Pointer socket = server->WaitForConnection(10000);
  if (socket.IsNull()) return 1;

  igtl_header raw;
  while (socket->Receive(&raw, IGTL_HEADER_SIZE) == IGTL_HEADER_SIZE)
    {
    igtl_header_convert_byte_order(&raw);
    Bytes body(raw.body_size);
    if (!body.empty() && socket->Receive(body.data(), static_cast<int>(body.size())) != static_cast<int>(body.size()))
      return 1;
    const int version = raw.version;
    unsigned number = 0;
    bool sound = version == 1 || plain(raw, body, number);

    igtl::MessageHeader::Pointer header = igtl::MessageHeader::New();
    header->InitPack();
    igtl_header_convert_byte_order(&raw);
    std::memcpy(header->GetPackPointer(), &raw, IGTL_HEADER_SIZE);
    header->Unpack();
    igtl::TimeStamp::Pointer time = igtl::TimeStamp::New();
    header->GetTimeStamp(time);
    std::printf("{\"version\": %d, \"type\": \"%s\", \"device\": \"%s\", \"time\": %.9f, \"number\": %u", version,
                header->GetDeviceType(), header->GetDeviceName(), time->GetTimeStamp(), number);
    sound = content(header->GetDeviceType(), header, body) && sound;
    std::printf(", \"sound\": %s}\n", sound ? "true" : "false");
    std::fflush(stdout);
    }
  socket->CloseSocket();
  return 0;
}
