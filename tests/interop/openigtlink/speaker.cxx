// Sends, with the C++ library of OpenIGTLink: an IMAGE of every scalar type in both byte orders and both sets of
// patient axes, then a TRANSFORM, a STATUS and a STRING.
//
// Usage: speaker HOST PORT VERSION
//
// VERSION 1 sends what the library packs. VERSION 2 puts the same contents between an extended header, with a number
// counting from 1, and one entry of metadata, and has the library's own functions compute the checksum.

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "igtlClientSocket.h"
#include "igtlImageMessage.h"
#include "igtlStatusMessage.h"
#include "igtlStringMessage.h"
#include "igtlTransformMessage.h"
#include "igtl_header.h"
#include "igtl_util.h"

static igtl::ClientSocket::Pointer link_;
static int version_ = 1;
static unsigned number_ = 0;

static void big(std::string& out, unsigned long long value, int bytes)
{
  for (int k = bytes - 1; k >= 0; k--) out.push_back(static_cast<char>(value >> (8 * k)));
}

static void send(igtl::MessageBase* message)
{
  number_++;
  message->SetTimeStamp(100 + number_, 1u << 31);
  message->Pack();
  const char* packed = static_cast<const char*>(message->GetPackPointer());
  if (version_ == 1)
    {
    link_->Send(packed, message->GetPackSize());
    return;
    }
  const std::string key = "made by", value = "speaker";
  std::string body, index;
  big(index, 1, 2);
  big(index, key.size(), 2);
  big(index, 3, 2);
  big(index, value.size(), 4);
  big(body, 12, 2);
  big(body, index.size(), 2);
  big(body, key.size() + value.size(), 4);
  big(body, number_, 4);
  body.append(packed + IGTL_HEADER_SIZE, message->GetPackSize() - IGTL_HEADER_SIZE);
  body += index + key + value;

  igtl_header header;
  std::memcpy(&header, packed, IGTL_HEADER_SIZE);
  igtl_header_convert_byte_order(&header);
  header.version = version_;
  header.body_size = body.size();
  header.crc = crc64(reinterpret_cast<unsigned char*>(&body[0]), body.size(), crc64(0, 0, 0LL));
  igtl_header_convert_byte_order(&header);
  const std::string whole = std::string(reinterpret_cast<char*>(&header), IGTL_HEADER_SIZE) + body;
  link_->Send(whole.data(), static_cast<int>(whole.size()));
}

// 5 rows of 4 pixels with the values 0, 1, ..., 19.
template <typename Scalar> static void fill(igtl::ImageMessage* image, bool swapped)
{
  char* at = static_cast<char*>(image->GetScalarPointer());
  for (int k = 0; k < 20; k++, at += sizeof(Scalar))
    {
    Scalar value = static_cast<Scalar>(k);
    std::memcpy(at, &value, sizeof(Scalar));
    for (unsigned i = 0; swapped && i < sizeof(Scalar) / 2; i++) std::swap(at[i], at[sizeof(Scalar) - 1 - i]);
    }
}

static void sendImage(int type, int endian, int axes)
{
  igtl::ImageMessage::Pointer image = igtl::ImageMessage::New();
  image->SetDimensions(4, 5, 1);
  image->SetScalarType(type);
  image->SetEndian(endian);
  image->SetCoordinateSystem(axes);
  image->SetSpacing(3.0f, 2.0f, 5.0f);
  image->SetDeviceName("speaker");
  image->AllocateScalars();
  // i runs from anterior to posterior and j from superior to inferior; the middle is at 10 left, 15.5 anterior, 26.
  const float turn = axes == igtl::ImageMessage::COORDINATE_RAS ? -1.0f : 1.0f;
  igtl::Matrix4x4 matrix = {{0, 0, turn, turn * 10.0f}, {turn, 0, 0, turn * -15.5f}, {0, -1, 0, 26.0f}, {0, 0, 0, 1}};
  image->SetMatrix(matrix);
  const bool swapped = (endian == igtl::ImageMessage::ENDIAN_LITTLE) != (igtl_is_little_endian() != 0);
  switch (type)
    {
    case igtl::ImageMessage::TYPE_INT8: fill<signed char>(image, swapped); break;
    case igtl::ImageMessage::TYPE_UINT8: fill<unsigned char>(image, swapped); break;
    case igtl::ImageMessage::TYPE_INT16: fill<short>(image, swapped); break;
    case igtl::ImageMessage::TYPE_UINT16: fill<unsigned short>(image, swapped); break;
    case igtl::ImageMessage::TYPE_INT32: fill<int>(image, swapped); break;
    case igtl::ImageMessage::TYPE_UINT32: fill<unsigned>(image, swapped); break;
    case igtl::ImageMessage::TYPE_FLOAT32: fill<float>(image, swapped); break;
    default: fill<double>(image, swapped);
    }
  send(image);
}

int main(int argc, char* argv[])
{
  if (argc != 4) return 2;
  version_ = std::atoi(argv[3]);
  link_ = igtl::ClientSocket::New();
  if (link_->ConnectToServer(argv[1], std::atoi(argv[2])) != 0) return 1;

  const int types[] = {2, 3, 4, 5, 6, 7, 10, 11};
  for (int type : types)
    for (int endian : {igtl::ImageMessage::ENDIAN_BIG, igtl::ImageMessage::ENDIAN_LITTLE})
      for (int axes : {igtl::ImageMessage::COORDINATE_RAS, igtl::ImageMessage::COORDINATE_LPS})
        sendImage(type, endian, axes);

  igtl::TransformMessage::Pointer transform = igtl::TransformMessage::New();
  transform->SetDeviceName("speaker");
  igtl::Matrix4x4 matrix = {{1, 2, 3, 4}, {5, 6, 7, 8}, {9, 10, 11, 12}, {0, 0, 0, 1}};
  transform->SetMatrix(matrix);
  send(transform);

  igtl::StatusMessage::Pointer status = igtl::StatusMessage::New();
  status->SetDeviceName("speaker");
  status->SetCode(igtl::StatusMessage::STATUS_NOT_READY);
  status->SetSubCode(-7);
  status->SetErrorName("warming up");
  status->SetStatusString("in a minute");
  send(status);

  igtl::StringMessage::Pointer text = igtl::StringMessage::New();
  text->SetDeviceName("speaker");
  text->SetString("hold your breath");
  send(text);
  link_->CloseSocket();
  return 0;
}
